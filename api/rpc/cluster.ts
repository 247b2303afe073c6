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
  readonly error: ErrorReport | undefined;
}
