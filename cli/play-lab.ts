import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#api/errors.ts";
import type { CheckView, LabStepView } from "#api/rpc/lab-view.ts";
import { first, type RpcClient } from "./rpc-client.ts";

export interface PlayOptions {
  readonly signal: AbortSignal;
  readonly pauseMs: number;
  /** Whether a step whose checks hold already before its solution counts as failed. */
  readonly prove: boolean;
  readonly print: (line: string) => void;
}

export interface PlayResult {
  readonly lab: string;
  readonly steps: readonly PlayedStep[];
}

export interface PlayedStep {
  readonly id: string;
  readonly passed: boolean;
  readonly why: string | undefined;
  readonly checks: readonly Pick<CheckView, "id" | "state" | "observed">[];
}

/** Plays a lab as a person would: from the start, step by step, each answer applied as text and judged by the step's checks. Stops at the first step that does not hold. */
export async function playLab(rpc: RpcClient, lab: string, options: PlayOptions): Promise<PlayResult> {
  await rpc.call("labs.open", { lab, language: "en" }, options.signal);
  await rpc.call("labs.reset", { lab }, options.signal);
  const view = await rpc.call("labs.open", { lab, language: "en" }, options.signal);
  const played: PlayedStep[] = [];
  for (const [index, step] of view.steps.entries()) {
    options.print(`${index + 1}/${view.steps.length} ${step.title}`);
    await rpc.call("labs.goto", { lab, step: step.id }, options.signal);
    const result = await playStep(rpc, { lab, step, options });
    played.push(result);
    if (!result.passed) break;
    if (options.pauseMs > 0) await delay(options.pauseMs, undefined, { signal: options.signal });
  }
  return { lab, steps: played };
}

interface Place {
  readonly lab: string;
  readonly step: LabStepView;
  readonly options: PlayOptions;
}

async function playStep(rpc: RpcClient, { lab, step, options }: Place): Promise<PlayedStep> {
  const place = { lab, step: step.id };
  if (options.prove) {
    const { passed } = await rpc.call("labs.check", { ...place, once: true }, options.signal);
    const before = await checksOf(rpc, place);
    if (passed)
      return { id: step.id, passed: false, why: "its checks held before the solution was applied", checks: before };
    const broken = before.filter((check) => check.state === "failed");
    options.print(`  before: ${broken.map((check) => `${check.title}: ${check.observed}`).join("; ")}`);
  }
  const { yaml } = await rpc.call("labs.solution", place, options.signal);
  const { problems } = await rpc.call("labs.apply", { ...place, yaml }, options.signal);
  const problem = problems.find(({ severity }) => severity === "error");
  if (problem !== undefined) return { id: step.id, passed: false, why: problem.message, checks: [] };
  await rpc.call("labs.check", place, options.signal);
  const checks = await checksOf(rpc, place);
  for (const check of checks)
    options.print(`  ${check.state === "passed" ? "✓" : "✗"} ${check.title}: ${check.observed ?? ""}`);
  const failed = checks.find((check) => check.state !== "passed");
  return { id: step.id, passed: failed === undefined, why: failed && `${failed.title}: ${failed.observed}`, checks };
}

async function checksOf(
  rpc: RpcClient,
  place: { readonly lab: string; readonly step: string },
): Promise<readonly CheckView[]> {
  const view = await first(rpc.stream("labs.view", { lab: place.lab, language: "en" }));
  if (view.error !== undefined) throw new AppError(view.error.code, view.error.message);
  return view.steps.find((step) => step.id === place.step)?.checks ?? [];
}
