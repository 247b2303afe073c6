import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { KubeObject } from "#api/kinds/object.ts";
import type { ObjectSource } from "./ingest/source.ts";
import { type Change, ConfigStore, type StoreOptions } from "./ingest/store.ts";
import { KeySets } from "./jwks/key-sets.ts";
import { type AdsOptions, adsService } from "./serve/ads-service.ts";
import { Coalescer } from "./serve/coalescer.ts";
import { Distributor } from "./serve/distributor.ts";
import { ProxyRecord } from "./serve/proxy-events.ts";

export interface PilotOptions {
  readonly source: ObjectSource;
  readonly store?: StoreOptions;
  /** Names this process in versions and nonces. */
  readonly instance: string;
  readonly log: Logger;
}

/** The part of the control plane that turns the cluster's objects into proxies' configuration. */
export interface Pilot {
  readonly store: ConfigStore;
  readonly distributor: Distributor;
  readonly record: ProxyRecord;
  readonly keySets: KeySets;
  /** Discovery for proxies; without authentication for the plaintext port. */
  service(callers?: Pick<AdsOptions, "authenticate" | "mayReadSecrets" | "isNodeProxy">): UntypedServiceImplementation;
  /** The first snapshot was published. */
  readonly ready: Promise<void>;
  readonly isReady: () => boolean;
  /** Tells every snapshot from now on, when proxies have been told. */
  onPublish(listener: () => void): () => void;
  stop(): void;
}

/** Whoever it is, nobody asks, and so nobody gets what only some may have. */
const strangers = { authenticate: undefined, mayReadSecrets: async () => false };

/** ingest -> snapshot -> translate -> publish: every change ends in a new snapshot, several close together in one. */
export function startPilot({ source, store: storeOptions, instance, log }: PilotOptions): Pilot {
  const store = new ConfigStore(storeOptions);
  const distributor = new Distributor(log);
  const record = new ProxyRecord(log);
  const listeners = new Set<() => void>();
  let listed = false;
  let meshProblem: string | undefined;
  let changedAt: Date | undefined;
  const publish = (): void => {
    keySets.want(store.keySources);
    const snapshot = store.build(keySets.keys);
    record.published(snapshot.generation, changedAt ?? new Date());
    changedAt = undefined;
    distributor.publish(snapshot);
    for (const listener of listeners) listener();
  };
  const coalescer = new Coalescer(publish);
  const keySets = new KeySets({ onChange: () => coalescer.notify() });
  const noted = (change: Change): void => {
    // Until everything was listed once, a snapshot would lack what is there and take it away from proxies.
    if (change === "none" || !listed) return;
    changedAt ??= new Date();
    coalescer.notify();
  };
  const ready = source
    .start({
      put: (object: KubeObject) => {
        noted(store.put(object));
        if (object.kind !== "ConfigMap" || store.meshProblem === meshProblem) return;
        meshProblem = store.meshProblem;
        if (meshProblem !== undefined)
          log.error(
            { error: meshProblem },
            "the mesh's configuration (ConfigMap istio) cannot be used and stays as it was",
          );
      },
      delete: (object: KubeObject) => noted(store.delete(object)),
    })
    .then(() => {
      listed = true;
      publish();
    });
  return {
    store,
    distributor,
    record,
    keySets,
    ready,
    isReady: () => distributor.snapshot !== undefined,
    onPublish: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    service: (callers = strangers) => adsService({ distributor, events: record, ...callers, instance, log }),
    stop: () => {
      coalescer.stop();
      keySets.stop();
      source.stop();
    },
  };
}
