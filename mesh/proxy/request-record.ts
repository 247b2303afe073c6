/**
 * The one fact that the data plane emits when a request or connection ends. Metrics, the access log and the event stream are
 * all made from it. It is pooled by the data plane: a sink that wants to keep it must copy what it needs before it returns.
 */
export interface RequestRecord {
  readonly direction: "inbound" | "outbound" | "gateway" | "waypoint";
  readonly protocol: "HTTP/1.1" | "HTTP/1.0" | "HTTP/2" | "TCP";
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  readonly durationMs: number;
  /** Time until the upstream's first byte; undefined when there was none. */
  readonly upstreamServiceTimeMs: number | undefined;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly status: number;
  /** Envoy's short response flags, such as UF, UH, NR, UO, DC, or empty. */
  readonly flags: string;
  /** Envoy's response code details, such as via_upstream, route_not_found. */
  readonly details: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly requestId: string;
  readonly forwardedFor: string;
  readonly userAgent: string;
  readonly traceparent: string;
  readonly routeName: string;
  readonly cluster: string;
  readonly upstreamHost: string;
  readonly upstreamLocalAddress: string;
  readonly downstreamLocalAddress: string;
  readonly downstreamRemoteAddress: string;
  readonly requestedServerName: string;
  readonly attempts: number;
  readonly upstreamFailure: string;
  /** SPIFFE ids, empty without mutual TLS. */
  readonly sourcePrincipal: string;
  readonly destinationPrincipal: string;
  readonly mutualTls: boolean;
  /** From the peer's metadata exchange or from the endpoint's metadata; undefined where unknown. */
  readonly source: PeerMetadata | undefined;
  readonly destination: PeerMetadata | undefined;
  /** From the cluster's `istio` filter metadata. */
  readonly destinationService: DestinationService | undefined;
  /** Where in whose manifest the deciding route stands, from the route's `istio` filter metadata (config path, rule). */
  readonly configSource: string;
}

export interface PeerMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly workload: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
}

export interface DestinationService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** What the data plane reports to. Called on the hot path: must not throw and must not block. */
export interface RequestSink {
  record(request: RequestRecord): void;
  /** A policy was asked. `policy` is undefined where none of them matched. */
  decided?(policy: string | undefined, outcome: PolicyOutcome): void;
}

/** Those of a dry run only would have been; an external authorizer that does not answer has failed. */
export type PolicyOutcome = "allowed" | "denied" | "shadow_allowed" | "shadow_denied" | "failed" | "failed_open";
