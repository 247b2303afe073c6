import type { ObjectReference } from "#api/kinds/object.ts";
import type { RequestShape } from "#api/lab.ts";
import type { Packet } from "#api/packet.ts";
import type { ProxyUsePoint } from "#api/rpc/telemetry.ts";
import type { BrowseRequest, BrowseTally } from "#api/traffic.ts";
import type { EdgeStats } from "../telemetry/edges.ts";

/** What checks may look at. Each method measures the running cluster; none answers from memory of what was applied. */
export interface Measurements {
  /** Pods of a workload that are ready, and how many there should be; undefined if there is no such workload. */
  workload(namespace: string, name: string): Promise<{ readonly ready: number; readonly wanted: number } | undefined>;
  exists(object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  }): Promise<boolean>;
  /** Proxies that have not acknowledged these objects in their present version, or anything else that was sent to them. */
  unacknowledged(applied: readonly ObjectReference[]): Promise<{
    readonly proxies: number;
    readonly behind: readonly { readonly id: string; readonly why: string }[];
  }>;
  /** Sends a bounded burst through the ingress gateway and tallies the answers. */
  probe(request: ProbeRequest, options: ProbeOptions): Promise<ProbeResult>;
  /** Visits a page through the ingress gateway as a browser would, and tallies where it ended. */
  browse(request: BrowseRequest, signal: AbortSignal): Promise<BrowseTally>;
  /** Lets a workload's own container call; how often there was which status or, without an answer, which error. */
  call(request: CallRequest): Promise<Readonly<Record<string, number>>>;
  /** Packets on the wire between two workloads; undefined if one of them has no ready pod. */
  packets(request: PacketsRequest): Promise<readonly Packet[] | undefined>;
  /** The mesh's own telemetry over the last seconds. */
  edges(windowSeconds: number): readonly EdgeStats[];
  /** What proxies took in each of the last seconds. */
  proxyUse(seconds: number): readonly ProxyUsePoint[];
}

export interface WorkloadName {
  readonly namespace: string;
  readonly workload: string;
}

export interface PacketsRequest {
  /** At whose network they are looked at. */
  readonly at: WorkloadName;
  readonly peer: WorkloadName;
  /** What the peer calls meanwhile; without it live traffic is looked at. */
  readonly url: string | undefined;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

export interface CallRequest {
  readonly from: { readonly namespace: string; readonly workload: string };
  readonly url: string;
  /** HOST:PORT to connect to instead of the address's. */
  readonly connect?: string | undefined;
  readonly tls?:
    | {
        readonly roots?: string | undefined;
        readonly client?: string | undefined;
        readonly serverName?: string | undefined;
      }
    | undefined;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Where and as whom to log in first. */
  readonly login: { readonly url: string; readonly client: string; readonly secret: string } | undefined;
  readonly count: number;
  readonly signal: AbortSignal;
}

export type ProbeRequest = Omit<RequestShape, "tag" | "weight">;

export interface ProbeOptions {
  readonly count: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

export interface ProbeResult {
  readonly answers: number;
  /** Requests that got no answer at all, by kind of error. */
  readonly errors: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  /** service -> version -> answers */
  readonly byVersion: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly p99Ms: number | undefined;
}
