import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { KubeObject } from "#api/kinds/object.ts";
import { labels } from "#api/names.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { whileLeader } from "#kube/lease.ts";
import { type ResourceType, resources } from "#kube/resource.ts";
import { isConflict, isNotFound } from "#kube/status-error.ts";
import type { InjectionSettings } from "../injection/settings.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { Coalescer } from "../serve/coalescer.ts";
import { waypointOfService } from "../translate/ambient/waypoints.ts";
import { classes, classOf, type GatewayClassInfo } from "./classes.ts";
import type { Condition, DeploymentObject, GatewayObject, ServiceObject } from "./objects.ts";
import { nameOf, renderGateway } from "./render.ts";
import { classConditions, gatewayStatus, serviceConditions } from "./status.ts";

const FIELD_MANAGER = "istio.io/gateway-controller";
const LEASE = "istio-gateway-deployment";
const RETRY_MS = 1000;

export interface GatewayControllerOptions {
  readonly client: KubeClient;
  /** Where the lease is, by which one of several control planes writes. */
  readonly namespace: string;
  /** Unique for this process. */
  readonly identity: string;
  readonly domain: string;
  readonly settings: () => InjectionSettings;
  /** The snapshot in force; undefined before the first. */
  readonly snapshot: () => Snapshot | undefined;
  readonly log: Logger;
}

export interface GatewayController {
  /** There is a new snapshot: services may be behind other waypoints. */
  notify(): void;
  stop(): Promise<void>;
}

/**
 * Makes of every Gateway of the mesh's classes a Deployment with its Service and ServiceAccount, keeps them as the Gateway says, and
 * writes statuses: of classes, Gateways, and of Services that ask for a waypoint. What was made goes with its Gateway, by owner
 * references. One control plane does so at a time.
 */
export function runGatewayController(options: GatewayControllerOptions): GatewayController {
  const stopped = new AbortController();
  let current: Reconciler | undefined;
  const { client, namespace, identity } = options;
  const lease = { namespace, name: LEASE, identity, signal: stopped.signal };
  const done = whileLeader(client, lease, async (signal) => {
    const reconciler = new Reconciler(options);
    current = reconciler;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    current = undefined;
    await reconciler.stop();
  });
  return {
    notify: () => current?.notify(),
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}

interface GatewayClassObject extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Compares what is there with what is to be there, whenever one of the two changes; a pass that finds no difference writes nothing. */
class Reconciler {
  readonly #options: GatewayControllerOptions;
  readonly #gateways: ObjectCache<GatewayObject>;
  readonly #classes: ObjectCache<GatewayClassObject>;
  readonly #deployments: ObjectCache<DeploymentObject>;
  readonly #services: ObjectCache<ServiceObject>;
  readonly #coalescer: Coalescer;
  /** What was last applied for a Gateway, and what the API server made of it. */
  readonly #applied = new Map<string, { readonly wanted: unknown; readonly live: string }>();
  readonly #failures = new Map<string, string>();
  #running: Promise<void> = Promise.resolve();
  /** Before everything was listed once, what is there would look as if it were missing. */
  #listed = false;
  #waiting = false;
  readonly #stopped = new AbortController();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: GatewayControllerOptions) {
    this.#options = options;
    const cache = <T extends KubeObject>(type: ResourceType, labelSelector?: string): ObjectCache<T> => {
      const onError = (error: unknown): void => options.log.warn({ kind: type.resource, err: error }, "watch failed");
      const one = new ObjectCache<T>(options.client, type, { onError, ...(labelSelector && { labelSelector }) });
      one.onChange(() => this.notify());
      return one;
    };
    this.#coalescer = new Coalescer(() => this.#run());
    this.#gateways = cache(resources.kubernetesGateways);
    this.#classes = cache(resources.gatewayClasses);
    this.#deployments = cache(resources.deployments, labels.gatewayManaged);
    this.#services = cache(resources.services);
    const caches = [this.#gateways, this.#classes, this.#deployments, this.#services];
    void Promise.all(caches.map(({ ready }) => ready)).then(() => {
      this.#listed = true;
      this.notify();
    });
  }

  notify(): void {
    if (!this.#stopped.signal.aborted) this.#coalescer.notify();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#coalescer.stop();
    clearTimeout(this.#retry);
    for (const one of [this.#gateways, this.#classes, this.#deployments, this.#services]) one.dispose();
    await this.#running;
  }

  /** One pass at a time; however much changes during one, one more follows. */
  #run(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#running = this.#running
      .then(() => {
        this.#waiting = false;
        return this.#pass();
      })
      .catch((error: unknown) => this.#failed("pass", error));
  }

  async #pass(): Promise<void> {
    if (!this.#listed || this.#stopped.signal.aborted) return;
    for (const info of classes) await this.#attempt(`GatewayClass ${info.name}`, () => this.#ensureClass(info));
    for (const gateway of this.#gateways.all) {
      const info = classOf(gateway.spec.gatewayClassName);
      if (info === undefined || gateway.metadata.deletionTimestamp !== undefined) continue;
      const key = keyOf(gateway);
      await this.#attempt(`Gateway ${key}`, () => this.#ensureGateway(gateway, info));
      await this.#attempt(`status of Gateway ${key}`, () => this.#writeGatewayStatus(gateway, info));
    }
    for (const key of this.#applied.keys())
      if (!this.#gateways.all.some((one) => keyOf(one) === key)) this.#applied.delete(key);
    for (const service of this.#services.all)
      await this.#attempt(`status of Service ${keyOf(service)}`, () => this.#writeServiceStatus(service));
  }

  /** What cannot be written now is tried again; it keeps nothing else from being written. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    try {
      await work();
      this.#failures.delete(what);
    } catch (error) {
      // Somebody else wrote or deleted it: that change comes by the watch.
      if (signal.aborted || isConflict(error) || isNotFound(error)) return;
      this.#failures.set(what, messageOf(error));
      this.#failed(what, error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.#options.log.warn({ what, err: error }, "gateways: not written, trying again");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.notify(), RETRY_MS);
  }

  async #ensureClass({ name, controller, description }: GatewayClassInfo): Promise<void> {
    const { client } = this.#options;
    const live = this.#classes.get(undefined, name);
    // An existing class is left as it is: people may have changed it.
    const object = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name },
      spec: { controllerName: controller, description },
    };
    if (live === undefined) await client.create(resources.gatewayClasses, object, { signal: this.#stopped.signal });
    const at = { generation: live?.metadata.generation ?? 1, now: new Date() };
    const conditions = classConditions(live?.status?.conditions, at);
    if (conditions !== undefined) await this.#patchStatus(resources.gatewayClasses, object, { conditions });
  }

  async #ensureGateway(gateway: GatewayObject, info: GatewayClassInfo): Promise<void> {
    if (!info.programmed || isRunElsewhere(gateway)) return;
    const { client, settings } = this.#options;
    const wanted = renderGateway(gateway, info, settings());
    const before = this.#applied.get(keyOf(gateway));
    if (before?.live === this.#liveOf(gateway, info) && isDeepStrictEqual(before.wanted, wanted)) return;
    const options = { fieldManager: FIELD_MANAGER, force: true, signal: this.#stopped.signal };
    await client.apply(resources.serviceAccounts, wanted.serviceAccount, options);
    const service = await client.apply(resources.services, wanted.service, options);
    const deployment = await client.apply(resources.deployments, wanted.deployment, options);
    this.#applied.set(keyOf(gateway), { wanted, live: versionsOf(deployment, service) });
  }

  #liveOf(gateway: GatewayObject, info: GatewayClassInfo): string {
    const { namespace } = gateway.metadata;
    const name = nameOf(gateway, info);
    return versionsOf(this.#deployments.get(namespace, name), this.#services.get(namespace, name));
  }

  async #writeGatewayStatus(gateway: GatewayObject, info: GatewayClassInfo): Promise<void> {
    const { namespace = "" } = gateway.metadata;
    const name = nameOf(gateway, info);
    const service = this.#services.get(namespace, name);
    const status = gatewayStatus(gateway, {
      info,
      deployment: this.#deployments.get(namespace, name),
      hostname: service === undefined ? undefined : `${name}.${namespace}.svc.${this.#options.domain}`,
      failure: this.#failures.get(`Gateway ${keyOf(gateway)}`),
      now: new Date(),
    });
    if (status !== undefined) await this.#patchStatus(resources.kubernetesGateways, gateway, status);
  }

  async #writeServiceStatus(object: ServiceObject): Promise<void> {
    const snapshot = this.#options.snapshot();
    const { namespace = "", name = "", generation } = object.metadata;
    const service = snapshot?.services.get(`${name}.${namespace}.svc.${this.#options.domain}`);
    if (snapshot === undefined || service?.origin.kind !== "Service") return;
    const before = (object.status?.conditions ?? []) as readonly Condition[];
    const at = { generation, now: new Date() };
    const conditions = serviceConditions(before, waypointOfService(snapshot, service), at);
    if (conditions !== undefined) await this.#patchStatus(resources.services, object, { conditions });
  }

  /** Only onto the version that it was computed from, if that is known: others write statuses too. */
  async #patchStatus(type: ResourceType, { metadata }: KubeObject, status: object): Promise<void> {
    const { namespace, name = "", resourceVersion } = metadata;
    const body = { ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }), status };
    await this.#options.client.patch(type, { name, ...(namespace !== undefined && { namespace }) }, body, {
      type: "merge",
      subresource: "status",
      fieldManager: FIELD_MANAGER,
      signal: this.#stopped.signal,
    });
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;

/** A Gateway that names where it is was deployed by hand. Source: Istio's "Manual Deployment". */
const isRunElsewhere = ({ spec }: GatewayObject): boolean =>
  (spec.addresses ?? []).some(({ type, value }) => type === "Hostname" && value !== undefined);

/** By this it is seen that somebody changed what was applied: generations of specs, versions where there are none. */
const versionsOf = (deployment: KubeObject | undefined, service: KubeObject | undefined): string =>
  [deployment?.metadata.uid, deployment?.metadata.generation, service?.metadata.uid, service?.metadata.resourceVersion]
    .map((part) => part ?? "")
    .join(" ");

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
