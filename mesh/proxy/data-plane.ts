import type { Socket } from "node:net";

import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { PeerMetadata, RequestSink } from "./request-record.ts";

/**
 * The border between how configuration arrives (mesh/proxy/agent, over xDS) and how bytes move (listener, http1, route,
 * filters, upstream). The agent hands over decoded resources; the data plane compiles and swaps them in whole.
 */
export interface DataPlane {
  /**
   * Applies one update of one type: compiles all of it first and swaps it in only if all of it compiles. Throws ConfigError
   * naming the resources that do not, which the agent answers with a NACK; the former configuration then stays in force.
   */
  apply(update: ResourceUpdate): void;
  /** Still accepts, but every connection ends with its next answer. */
  sendAway(): void;
  /** Stops accepting, lets requests in flight end, closes idle connections; resolves when none is left or the time is over. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
  /** For the admin port's /clusters and for `proxy-config endpoint`. */
  clusterStatus(): readonly ClusterStatus[];
  /** Listeners that are bound now, with their addresses. */
  listenerStatus(): readonly { readonly name: string; readonly address: string; readonly connections: number }[];
}

export type ResourceUpdate =
  | Delta<"listener", Listener>
  | Delta<"route", RouteConfiguration>
  | Delta<"cluster", Cluster>
  | Delta<"endpoint", ClusterLoadAssignment>
  | Delta<"secret", Secret>;

export interface Delta<Type extends string, Resource> {
  readonly type: Type;
  readonly changed: readonly NamedResource<Resource>[];
  readonly removed: readonly string[];
}

export interface NamedResource<Resource> {
  readonly name: string;
  readonly version: string;
  readonly resource: Resource;
}

export interface ClusterStatus {
  readonly name: string;
  readonly endpoints: readonly EndpointStatus[];
  readonly circuitBreakers: {
    readonly maxConnections: number;
    readonly maxPendingRequests: number;
    readonly maxRequests: number;
  };
}

export interface EndpointStatus {
  readonly address: string;
  readonly health: "HEALTHY" | "UNHEALTHY" | "DRAINING" | "EJECTED";
  readonly weight: number;
  readonly activeConnections: number;
  readonly activeRequests: number;
  readonly totalRequests: number;
  readonly totalErrors: number;
  readonly connectFailures: number;
}

/** Configuration that cannot be used, by resource name: what is wrong with each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: ReadonlyMap<string, string>;

  constructor(problems: ReadonlyMap<string, string>) {
    super([...problems].map(([name, problem]) => `${name}: ${problem}`).join("; "));
    this.problems = problems;
  }
}

/**
 * What `createDataPlane(options)` of data-plane-create.ts is given. It applies before `apply` brings the first resources; the
 * agent calls `apply` for secrets first, then clusters, endpoints, listeners and routes, in any later order.
 */
export interface DataPlaneOptions {
  /** Envoy's node id, such as `sidecar~10.244.0.7~cart-v1-abc.shop~shop.svc.cluster.local`. Sent to peers as x-envoy-peer-metadata-id. */
  readonly nodeId: string;
  /** What peers are told about this workload (x-envoy-peer-metadata) and what records carry as the near side. */
  readonly self: PeerMetadata;
  /** `sidecar` takes redirected connections, `router` (a gateway) binds its listeners' own ports. */
  readonly role: "sidecar" | "router" | "waypoint";
  readonly sink: RequestSink;
  /** Problems that belong to no request: a listener that cannot bind, a DNS name that does not resolve. */
  readonly log: DataPlaneLog;
  /** Tests replace what is not there on loopback; the defaults come from mesh/capture. */
  readonly originalDestination?: OriginalDestination;
  /** Random numbers in [0, 1): weights, faults, load balancing. Default Math.random. */
  readonly random?: () => number;
}

export interface DataPlaneLog {
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** Where a redirected connection was going before iptables turned it; undefined when it was not redirected. */
export type OriginalDestination = (socket: Socket) => { readonly address: string; readonly port: number } | undefined;
