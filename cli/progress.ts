import { AppError } from "#api/errors.ts";
import type { BringUpStep, ClusterStatus } from "#api/rpc/cluster.ts";
import type { RpcClient } from "./rpc-client.ts";

const marks = { pending: "·", running: "…", done: "✓", failed: "✗", skipped: "-", cancelled: "✗" } as const;

/** Follows the bring-up until the cluster is ready. In a terminal a running step is redrawn; in a pipe each end of a step is one line. */
export async function followStart(
  rpc: RpcClient,
  options: { readonly signal: AbortSignal; readonly quiet: boolean; readonly cluster?: string },
): Promise<ClusterStatus> {
  const shown = new Set<string>();
  const choice = options.cluster === undefined ? {} : { name: options.cluster };
  const live = process.stderr.isTTY && !options.quiet;
  for await (const status of rpc.stream("cluster.status", choice, options.signal)) {
    if (!options.quiet) show(status, { shown, live });
    if (status.phase === "ready") {
      if (live) process.stderr.write("\r\x1b[K");
      return status;
    }
    if (status.phase === "failed" || status.phase === "cancelled") throw failure(status);
  }
  options.signal.throwIfAborted();
  throw new AppError("CONNECTION_LOST", "Slipway ended before the cluster was ready");
}

function show(status: ClusterStatus, { shown, live }: { shown: Set<string>; live: boolean }): void {
  for (const step of status.steps) {
    if (step.endedAt === undefined || shown.has(step.id)) continue;
    shown.add(step.id);
    if (live) process.stderr.write("\r\x1b[K");
    process.stderr.write(`${marks[step.state]} ${step.title}${elapsed(step)}\n`);
  }
  const running = status.steps.filter((step) => step.state === "running");
  if (live && running.length > 0) {
    const text = running
      .map((step) => (step.detail === undefined ? step.title : `${step.title}: ${step.detail}`))
      .join(" · ");
    process.stderr.write(`\r\x1b[K${marks.running} ${text.slice(0, (process.stderr.columns ?? 80) - 4)}`);
  }
}

function elapsed(step: BringUpStep): string {
  if (step.startedAt === undefined || step.endedAt === undefined) return "";
  return ` (${((step.endedAt - step.startedAt) / 1000).toFixed(1)} s)`;
}

function failure(status: ClusterStatus): AppError {
  const { error } = status;
  if (error === undefined) return new AppError("CLUSTER_START_FAILED", "the cluster did not start");
  return new AppError(error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  });
}
