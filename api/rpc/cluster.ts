import type { ErrorReport } from "../errors.ts";

export type ProviderKind = "embedded" | "kind" | "existing";
export type StepState = "pending" | "running" | "done" | "failed" | "skipped" | "cancelled";

export interface BringUpStep {
  readonly id: string;
  readonly title: string;
  readonly state: StepState;
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** What it is doing right now, in a few words. */
  readonly detail: string | undefined;
  readonly error: ErrorReport | undefined;
}

export interface ClusterStatus {
  readonly phase: "absent" | "starting" | "ready" | "stopping" | "stopped" | "failed" | "cancelled";
  readonly provider: ProviderKind;
  readonly name: string;
  readonly kubernetesVersion: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly steps: readonly BringUpStep[];
  readonly startedAt: number | undefined;
  readonly readyAt: number | undefined;
  /** Proportional set size of all processes of the lab. */
  readonly memoryBytes: number | undefined;
  readonly pods: { readonly ready: number; readonly total: number } | undefined;
  /** By name, as the cluster tells them. */
  readonly nodes: readonly NodeSummary[] | undefined;
  readonly error: ErrorReport | undefined;
}

export interface NodeSummary {
  readonly name: string;
  readonly ready: boolean;
  /** Label topology.kubernetes.io/zone. */
  readonly zone: string | undefined;
  /** Of its kubelet. */
  readonly version: string;
  /** Undefined where the provider cannot see it. */
  readonly usage: NodeUsage | undefined;
}

/** What a node uses of the machine that it is on. */
export interface NodeUsage {
  readonly memoryBytes: number;
  /** What it may use at most; undefined: all that there is. */
  readonly memoryLimitBytes: number | undefined;
  /** Processors that were busy for it, on average since it was last asked. */
  readonly cpus: number | undefined;
}

/** A line of the list of clusters. */
export interface ClusterSummary
  extends Pick<
    ClusterStatus,
    "name" | "provider" | "phase" | "kubernetesVersion" | "kubeconfig" | "memoryBytes" | "pods" | "nodes" | "error"
  > {
  /** Whether the labs and the views are on it. */
  readonly current: boolean;
}
