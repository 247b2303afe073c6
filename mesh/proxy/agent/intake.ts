import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { Subscription, XdsClient } from "#mesh/lib/xds/client.ts";
import { clusterType, endpointType, listenerType, routeType, secretType } from "#mesh/lib/xds/envoy-types.ts";
import { RefusedError, type ResourceChanges } from "#mesh/lib/xds/resource-type.ts";
import { ConfigError, type DataPlane, type NamedResource, type ResourceUpdate } from "../data-plane.ts";
import { Arrivals } from "./arrivals.ts";
import type { AgentLog } from "./log.ts";
import { type Needs, needsOfCluster, needsOfListener, ownSecrets } from "./needs.ts";

/** How long a listener or route waits for what it refers to; Envoy's initial fetch timeout is as long. */
const WAIT_MS = 15_000;

export interface IntakeOptions {
  readonly xds: XdsClient;
  readonly dataPlane: Pick<DataPlane, "apply">;
  readonly log: AgentLog;
  /** All listeners, whenever some of them changed and are in force. */
  readonly onListeners: (listeners: readonly Listener[]) => void;
  /** Whether listeners wait for this workload's own certificate. */
  readonly certificates: boolean;
  readonly waitMs?: number;
}

/** What is in force, for the admin port. */
export interface Subscriptions {
  readonly clusters: Subscription<Cluster>;
  readonly endpoints: Subscription<ClusterLoadAssignment>;
  readonly listeners: Subscription<Listener>;
  readonly routes: Subscription<RouteConfiguration>;
  readonly secrets: Subscription<Secret>;
}

/**
 * Carries configuration from the control plane to the data plane, make before break: it asks for what listeners and clusters name,
 * and holds listeners and routes back (and their acknowledgement) until everything that they lead to has arrived.
 */
export class Intake {
  readonly subscriptions: Subscriptions;
  readonly #options: IntakeOptions;
  readonly #clusterNeeds = new Map<string, Needs>();
  readonly #listenerNeeds = new Map<string, Needs>();
  readonly #endpoints = new Arrivals();
  readonly #routes = new Arrivals();
  readonly #secrets = new Arrivals();
  readonly #own: readonly string[];

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { xds } = options;
    this.#own = options.certificates ? [...ownSecrets] : [];
    // The order of declaration is the order in which a new stream asks.
    this.subscriptions = {
      clusters: xds.subscribe(clusterType, undefined, (changes) => this.#onClusters(changes)),
      endpoints: xds.subscribe(endpointType, new Set(), (changes) => {
        this.#apply({ type: "endpoint", ...changes });
        this.#arrived(this.#endpoints, changes);
      }),
      listeners: xds.subscribe(listenerType, undefined, (changes) => this.#onListeners(changes)),
      routes: xds.subscribe(routeType, new Set(), (changes) => this.#onRoutes(changes)),
      secrets: xds.subscribe(secretType, new Set(), (changes) => {
        // A secret that is gone stays in force, as in Envoy, until another takes its place: nobody's connections are to fail because
        // it is made anew.
        this.#apply({ type: "secret", changed: changes.changed, removed: [] });
        this.#arrived(this.#secrets, changes);
      }),
    };
  }

  /** Puts the workload's own certificate in force, or the one that follows it. */
  setOwnSecrets(secrets: readonly NamedResource<Secret>[]): void {
    this.#apply({ type: "secret", changed: secrets, removed: [] });
    this.#secrets.add(secrets.map(({ name }) => name));
  }

  #onClusters(changes: ResourceChanges<Cluster>): void {
    const needs = changes.changed.map(({ name, resource }) => [name, needsOfCluster(resource)] as const);
    this.#apply({ type: "cluster", ...changes });
    update(this.#clusterNeeds, needs, changes.removed);
    const wanted = namesOf(this.#clusterNeeds, "endpoints");
    this.#endpoints.remove([...this.subscriptions.endpoints.resources.keys()].filter((name) => !wanted.has(name)));
    this.subscriptions.endpoints.want(wanted);
    this.#endpoints.check();
    this.#wantSecrets();
  }

  async #onListeners(changes: ResourceChanges<Listener>): Promise<void> {
    const needs = changes.changed.map(({ name, resource }) => [name, needsOfListener(resource)] as const);
    // What the former listeners use stays subscribed until the new ones have taken their place.
    const all = new Map([...this.#listenerNeeds, ...needs.map(([name, need]) => [`new ${name}`, need] as const)]);
    this.subscriptions.routes.want(namesOf(all, "routes"));
    this.#wantSecrets(needs.map(([, need]) => need));
    await this.#settled("listener", [
      { from: this.#routes, names: () => needs.flatMap(([, need]) => need.routes) },
      { from: this.#secrets, names: () => [...this.#own, ...needs.flatMap(([, need]) => need.secrets)] },
      { from: this.#endpoints, names: () => this.#allEndpoints() },
    ]);
    this.#apply({ type: "listener", ...changes });
    const changed = new Set([...changes.removed, ...changes.changed.map(({ name }) => name)]);
    const kept = [...this.subscriptions.listeners.resources.values()].filter(({ name }) => !changed.has(name));
    this.#options.onListeners([...kept, ...changes.changed].map(({ resource }) => resource));
    update(this.#listenerNeeds, needs, changes.removed);
    const wanted = namesOf(this.#listenerNeeds, "routes");
    this.#routes.remove([...this.subscriptions.routes.resources.keys()].filter((name) => !wanted.has(name)));
    this.subscriptions.routes.want(wanted);
    this.#wantSecrets();
  }

  async #onRoutes(changes: ResourceChanges<RouteConfiguration>): Promise<void> {
    await this.#settled("route", [{ from: this.#endpoints, names: () => this.#allEndpoints() }]);
    this.#apply({ type: "route", ...changes });
    this.#arrived(this.#routes, changes);
  }

  async #settled(
    type: string,
    waits: readonly { readonly from: Arrivals; readonly names: () => readonly string[] }[],
  ): Promise<void> {
    const limit = this.#options.waitMs ?? WAIT_MS;
    const missing = (await Promise.all(waits.map(({ from, names }) => from.all(names, limit)))).flat();
    if (missing.length > 0)
      this.#options.log.warn({ type, missing: missing.slice(0, 10) }, "goes on without what it refers to");
  }

  #apply(changes: ResourceUpdate): void {
    try {
      this.#options.dataPlane.apply(changes);
    } catch (error) {
      this.#options.log.warn({ type: changes.type, error: (error as Error).message }, "refused an update");
      throw error instanceof ConfigError ? new RefusedError(error.problems) : error;
    }
  }

  #arrived(arrivals: Arrivals, changes: ResourceChanges<unknown>): void {
    // That there is none is an answer too.
    arrivals.add([...changes.changed.map(({ name }) => name), ...changes.removed]);
  }

  #allEndpoints(): readonly string[] {
    return [...namesOf(this.#clusterNeeds, "endpoints")];
  }

  #wantSecrets(coming: readonly Needs[] = []): void {
    const needs = [...this.#clusterNeeds.values(), ...this.#listenerNeeds.values(), ...coming];
    this.subscriptions.secrets.want(new Set(needs.flatMap(({ secrets }) => secrets)));
  }
}

function update(
  map: Map<string, Needs>,
  changed: readonly (readonly [string, Needs])[],
  removed: readonly string[],
): void {
  for (const [name, needs] of changed) map.set(name, needs);
  for (const name of removed) map.delete(name);
}

const namesOf = (needs: ReadonlyMap<string, Needs>, key: keyof Needs): ReadonlySet<string> =>
  new Set([...needs.values()].flatMap((need) => need[key]));
