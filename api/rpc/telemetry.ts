import type { TrafficSettings } from "../lab.ts";

export interface MeshStatus {
  readonly controlPlaneReady: boolean;
  readonly proxies: readonly ProxySync[];
}

export interface ProxySync {
  /** pod.namespace, as istioctl proxy-status prints it. */
  readonly id: string;
  readonly namespace: string;
  readonly pod: string;
  readonly role: "sidecar" | "gateway" | "waypoint" | "ztunnel";
  readonly version: string;
  readonly types: Readonly<Record<"CDS" | "LDS" | "EDS" | "RDS", SyncState>>;
  /** The last refusal, if the newest configuration was refused. */
  readonly rejected: string | undefined;
}

export type SyncState = "SYNCED" | "STALE" | "NOT SENT" | "REJECTED";

export interface TrafficStatus {
  readonly running: boolean;
  readonly settings: TrafficSettings | undefined;
  /** Over the last five seconds. */
  readonly rate: number;
  readonly successShare: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly error: string | undefined;
}

/** One second of the generator's traffic. */
export interface TrafficPoint {
  /** Milliseconds since the epoch, at the end of the second. */
  readonly time: number;
  readonly sent: number;
  readonly completed: number;
  readonly inFlight: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** service -> version -> answers */
  readonly byVersion: Readonly<Record<string, Readonly<Record<string, VersionPoint>>>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly p50Ms: number | undefined;
  readonly p90Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** From the proxies' own metrics: what this version answered in this second. */
export interface VersionPoint {
  readonly answers: number;
  readonly errors: number;
  readonly p99Ms: number | undefined;
}

export type ProxyRole = "sidecar" | "gateway" | "waypoint" | "ztunnel";

/** What all proxies of one kind in one namespace took in one second. */
export interface ProxyUse {
  readonly role: ProxyRole;
  readonly namespace: string;
  readonly proxies: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** 1 is one processor all the time. */
  readonly processors: number;
}

export interface ProxyUsePoint {
  /** Milliseconds since the epoch, at the end of the second. */
  readonly time: number;
  readonly uses: readonly ProxyUse[];
}

export interface Topology {
  readonly windowSeconds: number;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

export interface TopologyNode {
  /** namespace/workload */
  readonly id: string;
  readonly namespace: string;
  readonly workload: string;
  readonly app: string;
  readonly version: string;
  readonly role: "gateway" | "workload" | "client" | "external";
  readonly pods: { readonly ready: number; readonly total: number };
}

export interface TopologyEdge {
  readonly from: string;
  readonly to: string;
  readonly protocol: "http" | "tcp";
  readonly requestsPerSecond: number;
  /** 0 to 1: answers of 500 and above, and those that never came. */
  readonly errorShare: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** As negotiated, from the metrics: share of requests over mutual TLS, 0 to 1. */
  readonly mutualTlsShare: number;
  /** Response flag -> share, such as UH, NR, UF. */
  readonly flags: Readonly<Record<string, number>>;
}

export interface RequestEvent {
  readonly id: string;
  readonly time: number;
  readonly traceId: string;
  readonly reporter: {
    readonly namespace: string;
    readonly pod: string;
    readonly direction: "inbound" | "outbound" | "gateway" | "waypoint";
  };
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly durationMs: number;
  readonly route: string;
  readonly cluster: string;
  readonly upstream: string;
  readonly attempts: number;
  readonly source: string;
  /** SPIFFE id that the caller proved; empty without one. */
  readonly principal: string;
  readonly destination: string;
  readonly mutualTls: boolean;
  /** Path of the manifest that decided, as Istio writes it into route metadata. */
  readonly configSource: string;
}
