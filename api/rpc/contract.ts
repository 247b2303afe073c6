import type { ClusterDefinition } from "../cluster-definition.ts";
import type { TrafficSettings } from "../lab.ts";
import type { CaptureLimits, Packet } from "../packet.ts";
import type { ProxyCertificates } from "./certificates.ts";
import type { ClusterStatus, ClusterSummary, StepState } from "./cluster.ts";
import type { LabSummary, LabView } from "./lab-view.ts";
import type { ApplyResult, ManifestCheck } from "./manifest.ts";
import type { MeshStatus, ProxyUsePoint, RequestEvent, Topology, TrafficPoint, TrafficStatus } from "./telemetry.ts";
import type { LogChunk, PodSummary, TerminalEvent, TerminalTarget } from "./terminal.ts";

/**
 * The process boundary between the host and whoever shows it (renderer, command line): one typed map. A call has one
 * parameter object and one result; a stream has a parameter object and delivers events until it is closed. A stream starts
 * with the current state, so a client that reconnects needs no second call.
 */
export interface Calls {
  "app.info": { params: Empty; result: AppInfo };
  "app.shutdown": { params: { readonly deleteState: boolean }; result: Empty };
  /** Begins to start; how it goes is in its status. */
  "cluster.start": { params: ClusterChoice; result: Empty };
  "cluster.cancel": { params: ClusterChoice; result: Empty };
  "cluster.stop": { params: ClusterChoice; result: Empty };
  "cluster.delete": { params: ClusterChoice; result: Empty };
  /** Keeps the definition of a cluster that can then be started. */
  "cluster.create": { params: { readonly definition: ClusterDefinition }; result: Empty };
  /** Contexts of the person's kubeconfig (or of the one named), for a cluster of the provider existing. */
  "cluster.contexts": { params: { readonly kubeconfig?: string }; result: { readonly contexts: readonly string[] } };
  /** Makes it the one that labs and views are on. */
  "cluster.select": { params: { readonly name: string }; result: Empty };
  /** Writes the images of kind clusters to a folder; loads them from there. */
  "images.save": { params: { readonly folder: string }; result: { readonly images: readonly string[] } };
  "images.load": { params: { readonly folder: string }; result: { readonly images: readonly string[] } };
  "labs.list": { params: { readonly language: string }; result: readonly LabSummary[] };
  "labs.open": { params: { readonly lab: string; readonly language: string }; result: LabView };
  /** Removes what the lab created and starts again at its first step. */
  "labs.reset": { params: { readonly lab: string }; result: Empty };
  "labs.goto": { params: { readonly lab: string; readonly step: string }; result: Empty };
  /** The text of the step's hidden solution, as it would be applied. */
  "labs.solution": { params: { readonly lab: string; readonly step: string }; result: { readonly yaml: string } };
  /** Applies the manifest as the answer to the step and runs its checks. */
  "labs.apply": { params: { readonly lab: string; readonly step: string; readonly yaml: string }; result: ApplyResult };
  /** Measures the step's checks and resolves when all are decided; `once` does not wait for what may become true by itself. */
  "labs.check": {
    params: { readonly lab: string; readonly step: string; readonly once?: boolean };
    result: { readonly passed: boolean };
  };
  "labs.cancelCheck": { params: { readonly lab: string }; result: Empty };
  "manifest.check": { params: { readonly yaml: string }; result: ManifestCheck };
  "manifest.apply": { params: { readonly yaml: string }; result: ApplyResult };
  /** The live object as YAML without managed fields; for "difference from the cluster". */
  "manifest.live": {
    params: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string };
    result: { readonly yaml: string | undefined };
  };
  "traffic.start": { params: { readonly settings: TrafficSettings }; result: Empty };
  "traffic.stop": { params: Empty; result: Empty };
  "pods.list": { params: { readonly namespace?: string }; result: readonly PodSummary[] };
  /** Envoy-style configuration dump of one proxy, one part of it. */
  "proxy.config": {
    params: { readonly namespace: string; readonly pod: string; readonly part: ProxyConfigPart };
    result: { readonly json: unknown };
  };
  /** Certificates of all proxies, as the proxies themselves tell them. */
  "proxy.certificates": { params: Empty; result: readonly ProxyCertificates[] };
  "terminal.open": {
    params: { readonly target: TerminalTarget; readonly columns: number; readonly rows: number };
    result: { readonly terminal: string };
  };
  "terminal.input": { params: { readonly terminal: string; readonly data: string }; result: Empty };
  "terminal.resize": {
    params: { readonly terminal: string; readonly columns: number; readonly rows: number };
    result: Empty;
  };
  "terminal.close": { params: { readonly terminal: string }; result: Empty };
}

export interface Streams {
  /** Of the current cluster, unless one is named. */
  "cluster.status": { params: ClusterChoice; event: ClusterStatus };
  clusters: { params: Empty; event: { readonly clusters: readonly ClusterSummary[] } };
  /** Log lines of a bring-up step, from its start. */
  "cluster.log": { params: { readonly step: string }; event: { readonly lines: readonly string[] } };
  "mesh.status": { params: Empty; event: MeshStatus };
  "labs.view": { params: { readonly lab: string; readonly language: string }; event: LabView };
  "traffic.status": { params: Empty; event: TrafficStatus };
  /** Points of the last `seconds`, then one a second. */
  "traffic.series": { params: { readonly seconds: number }; event: { readonly points: readonly TrafficPoint[] } };
  /** What proxies take: points of the last `seconds`, then one a second. */
  "proxies.use": { params: { readonly seconds: number }; event: { readonly points: readonly ProxyUsePoint[] } };
  topology: { params: { readonly windowSeconds: number }; event: Topology };
  /** Requests seen by the proxies, newest last; `dropped` counts what a slow reader lost. */
  requests: {
    params: { readonly filter: string };
    event: { readonly requests: readonly RequestEvent[]; readonly dropped: number };
  };
  "terminal.output": { params: { readonly terminal: string }; event: TerminalEvent };
  logs: {
    params: {
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      readonly tailLines: number;
    };
    event: LogChunk;
  };
  /** Packets of a pod's network, until a limit is reached. */
  packets: {
    params: { readonly namespace: string; readonly pod: string; readonly limits: CaptureLimits };
    event: CaptureEvent;
  };
  events: { params: Empty; event: { readonly events: readonly ClusterEvent[] } };
}

/** A packet with the names of the pods at its ends, where they are pods. */
export interface NamedPacket extends Packet {
  /** Counts the packets of a capture. */
  readonly number: number;
  readonly fromName: string | undefined;
  readonly toName: string | undefined;
}

export type CaptureEvent =
  | { readonly type: "started" }
  | { readonly type: "packet"; readonly packet: NamedPacket }
  | { readonly type: "ended"; readonly reason: string; readonly dropped: number };

export type CallName = keyof Calls;
export type StreamName = keyof Streams;
export type Empty = Record<string, never>;
/** The current cluster, unless one is named. */
export interface ClusterChoice {
  readonly name?: string;
}
export type ProxyConfigPart = "listeners" | "routes" | "clusters" | "endpoints" | "secrets" | "bootstrap" | "all";

export interface AppInfo {
  readonly version: string;
  readonly hostPid: number;
  /** The process that is the cluster; undefined while there is none or it is not ours. */
  readonly clusterPid: number | undefined;
  readonly mode: "browser" | "desktop";
  /** Where the person's shop can be reached, when the gateway is up. */
  readonly shopUrl: string | undefined;
  readonly platform: string;
}

/** A Kubernetes event, shortened for the dock. */
export interface ClusterEvent {
  readonly time: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly object: string;
  readonly namespace: string;
  readonly message: string;
  readonly count: number;
}

export type { StepState };
