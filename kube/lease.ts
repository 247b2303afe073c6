import { setTimeout as delay } from "node:timers/promises";
import type { ILease } from "kubernetes-models/coordination.k8s.io/v1/Lease";
import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "./client.ts";
import { resources } from "./resource.ts";
import { isConflict } from "./status-error.ts";

type Lease = ILease & KubeObject;

export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: unique for each process. */
  readonly identity: string;
  readonly signal: AbortSignal;
  /** Seconds without renewal after which others may take it. */
  readonly durationSeconds?: number;
}

/**
 * Runs `lead` while this process holds the lease, as Kubernetes' leader election does: it is renewed three times within its
 * duration, and when it is lost the signal given to `lead` aborts. Returns when `signal` aborts; a lease that is held is released.
 */
export async function whileLeader(
  client: KubeClient,
  options: LeaseOptions,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal, durationSeconds = 15 } = options;
  const pauseMs = (durationSeconds * 1000) / 3;
  const elector = new Elector(client, options, durationSeconds);
  let work: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  let renewedAt = 0;
  while (!signal.aborted) {
    // Not being able to ask does not end a leadership at once: nobody else may take it before it runs out.
    const held = await elector.tryHold().catch(() => undefined);
    if (held === true) {
      renewedAt = Date.now();
      work ??= begin(lead);
    } else if (work !== undefined && (held === false || Date.now() - renewedAt > pauseMs * 2)) {
      work.controller.abort();
      await work.done;
      work = undefined;
    }
    await delay(work === undefined ? pauseMs / 2 : pauseMs, undefined, { signal }).catch(() => {});
  }
  if (work === undefined) return;
  work.controller.abort();
  await work.done;
  await elector.release().catch(() => {});
}

function begin(lead: (signal: AbortSignal) => Promise<void>): { controller: AbortController; done: Promise<void> } {
  const controller = new AbortController();
  return { controller, done: lead(controller.signal).catch(() => {}) };
}

class Elector {
  readonly #client: KubeClient;
  readonly #options: LeaseOptions;
  readonly #durationSeconds: number;
  /** The version of another's lease and when it was first seen here: clocks of different machines are not compared. */
  #seen: { readonly version: string | undefined; readonly at: number } | undefined;

  constructor(client: KubeClient, options: LeaseOptions, durationSeconds: number) {
    this.#client = client;
    this.#options = options;
    this.#durationSeconds = durationSeconds;
  }

  /** Takes or renews the lease; false if another holds it. */
  async tryHold(): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const found = await this.#client.get<Lease>(resources.leases, { namespace, name });
    try {
      if (found === undefined) {
        await this.#client.create<Lease>(resources.leases, this.#lease(undefined));
        return true;
      }
      const holder = found.spec?.holderIdentity ?? "";
      if (holder !== identity && holder !== "" && !this.#hasExpired(found)) return false;
      await this.#client.update<Lease>(resources.leases, this.#lease(found));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  async release(): Promise<void> {
    const { namespace, name, identity } = this.#options;
    const found = await this.#client.get<Lease>(resources.leases, { namespace, name });
    if (found?.spec?.holderIdentity !== identity) return;
    await this.#client.update<Lease>(resources.leases, {
      ...found,
      spec: { ...found.spec, holderIdentity: "", leaseDurationSeconds: 1 },
    });
  }

  #hasExpired(lease: Lease): boolean {
    const version = lease.metadata.resourceVersion;
    if (this.#seen?.version !== version || this.#seen === undefined) this.#seen = { version, at: Date.now() };
    return Date.now() - this.#seen.at > (lease.spec?.leaseDurationSeconds ?? this.#durationSeconds) * 1000;
  }

  #lease(found: Lease | undefined): Lease {
    const { namespace, name, identity } = this.#options;
    const now = microTime();
    const taken = found?.spec?.holderIdentity !== identity;
    const transitions = found?.spec?.leaseTransitions ?? 0;
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: found?.metadata ?? { namespace, name },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: this.#durationSeconds,
        acquireTime: taken ? now : (found?.spec?.acquireTime ?? now),
        renewTime: now,
        leaseTransitions: taken && found !== undefined ? transitions + 1 : transitions,
      },
    };
  }
}

/** Kubernetes' MicroTime. */
const microTime = (): string => new Date().toISOString().replace("Z", "000Z");
