import type { LbEndpoint } from "#gen/xds/envoy/config/endpoint/v3/endpoint_components.ts";
import { OutlierState } from "../../lib/breaker/outlier.ts";
import { type Authority, authorityOf, parseAuthority } from "../../lib/hbone/authority.ts";
import type { EndpointStatus } from "../data-plane.ts";
import type { PeerMetadata } from "../request-record.ts";

/** Where an endpoint is and what is said about it. */
export interface HostDescription {
  readonly host: string;
  readonly port: number;
  /** Unix socket instead of host and port. */
  readonly path: string | undefined;
  /** An internal listener of this proxy instead of an address; host and port are then those that it stands for. */
  readonly internal: InternalAddress | undefined;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly health: "HEALTHY" | "UNHEALTHY" | "DRAINING";
  readonly transportMatch: Readonly<Record<string, unknown>>;
  readonly peer: PeerMetadata | undefined;
}

export interface InternalAddress {
  readonly listener: string;
  /** Tells endpoints of one listener apart. */
  readonly id: string;
  /** Whom the endpoint stands for; undefined takes where the connection itself was going. */
  readonly destination: Authority | undefined;
  /** The waypoint to which connections for the destination go. */
  readonly via: Authority | undefined;
}

/** An upstream endpoint with its counters. It stays the same object while its description does. */
export class Host {
  readonly address: string;
  readonly description: HostDescription;
  readonly outlier: OutlierState = new OutlierState();
  activeConnections = 0;
  activeRequests = 0;
  totalRequests = 0;
  totalErrors = 0;
  connectFailures = 0;
  /** Taken out of its cluster: connections close as they become idle. */
  removed = false;
  lastUsed = 0;

  constructor(description: HostDescription) {
    this.description = description;
    this.address = textOf(description);
  }

  get weight(): number {
    return this.description.weight;
  }

  get usable(): boolean {
    return this.description.health === "HEALTHY" && !this.outlier.ejected;
  }

  status(): EndpointStatus {
    return {
      address: this.address,
      health: this.outlier.ejected ? "EJECTED" : this.description.health,
      weight: this.weight,
      activeConnections: this.activeConnections,
      activeRequests: this.activeRequests,
      totalRequests: this.totalRequests,
      totalErrors: this.totalErrors,
      connectFailures: this.connectFailures,
    };
  }
}

/** An endpoint's address as Envoy writes it. */
function textOf({ host, port, path, internal }: HostDescription): string {
  if (internal === undefined) return path ?? addressText(host, port);
  const id = internal.id || (internal.destination === undefined ? "" : authorityOf(internal.destination));
  return `envoy://${internal.listener}/${id}`;
}

export function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Two descriptions of the same thing: nothing about the host has to change. */
export function sameDescription(a: HostDescription, b: HostDescription): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Reads an endpoint of the Envoy API; undefined for kinds of address that are not supported. */
export function describeEndpoint(endpoint: LbEndpoint, priority: number): HostDescription | undefined {
  if (endpoint.hostIdentifier?.$case !== "endpoint") return undefined;
  const { address, hostname } = endpoint.hostIdentifier.value;
  const common = {
    hostname,
    weight: endpoint.loadBalancingWeight ?? 1,
    priority,
    health: healthOf(endpoint.healthStatus),
    transportMatch: endpoint.metadata?.filterMetadata["envoy.transport_socket_match"] ?? {},
    peer: peerOf(endpoint.metadata?.filterMetadata.istio?.workload),
    internal: undefined,
  };
  if (address?.address?.$case === "envoyInternalAddress") {
    const { addressNameSpecifier: listener, endpointId: id } = address.address.value;
    const told = endpoint.metadata?.filterMetadata[ORIGINAL_DESTINATION];
    const internal = {
      listener: listener?.value ?? "",
      id,
      destination: authority(told?.local),
      via: authority(told?.waypoint),
    };
    const { address: host, port } = internal.destination ?? { address: "", port: 0 };
    return { ...common, host, port, path: undefined, internal };
  }
  if (address?.address?.$case === "pipe") return { ...common, host: "", port: 0, path: address.address.value.path };
  if (address?.address?.$case !== "socketAddress") return undefined;
  const socket = address.address.value;
  const port = socket.portSpecifier?.$case === "portValue" ? socket.portSpecifier.value : 0;
  return { ...common, host: socket.address, port, path: undefined };
}

/** Metadata with which Istio tells for whom a tunnel is. */
const ORIGINAL_DESTINATION = "envoy.filters.listener.original_dst";

const authority = (text: unknown): Authority | undefined =>
  typeof text === "string" ? parseAuthority(text) : undefined;

/** Envoy's HealthStatus: unknown counts as healthy, degraded as well. */
function healthOf(status: number): HostDescription["health"] {
  if (status === 2 || status === 4) return "UNHEALTHY";
  return status === 3 ? "DRAINING" : "HEALTHY";
}

/** Istio's "workload;namespace;canonical name;canonical revision;cluster". */
function peerOf(text: unknown): PeerMetadata | undefined {
  if (typeof text !== "string") return undefined;
  const [workload = "", namespace = "", canonicalService = "", canonicalRevision = "", cluster = ""] = text.split(";");
  return {
    name: "",
    namespace,
    workload,
    app: canonicalService,
    version: canonicalRevision,
    canonicalService,
    canonicalRevision,
    cluster,
  };
}
