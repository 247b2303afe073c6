import { setTimeout as delay } from "node:timers/promises";
import type { ObjectReference } from "#api/kinds/object.ts";
import type { LabCheckDefinition } from "#api/lab.ts";
import { measureCheck } from "./checks/check.ts";
import type { CheckOutcome } from "./checks/outcome.ts";
import type { Measurements } from "./measurements.ts";

export interface CheckProgress {
  readonly id: string;
  readonly state: "waiting" | "measuring" | "passed" | "failed";
  readonly progress: number;
  readonly observed: string | undefined;
}

export interface RunChecksOptions {
  readonly measurements: Measurements;
  readonly applied: readonly ObjectReference[];
  readonly signal: AbortSignal;
  readonly onChange: (progress: CheckProgress) => void;
  /** Milliseconds that a check may take to become true by itself; 0 measures once. */
  readonly patienceMs: number;
}

/** Measures checks one after the other, since each may load the mesh. All are measured even when one fails. Resolves to whether all hold. */
export async function runChecks(checks: readonly LabCheckDefinition[], options: RunChecksOptions): Promise<boolean> {
  for (const check of checks) options.onChange({ id: check.id, state: "waiting", progress: 0, observed: undefined });
  let allPassed = true;
  for (const check of checks) {
    const outcome = await measurePatiently(check, options);
    allPassed &&= outcome.passed;
    options.onChange({
      id: check.id,
      state: outcome.passed ? "passed" : "failed",
      progress: 1,
      observed: outcome.observed,
    });
  }
  return allPassed;
}

async function measurePatiently(check: LabCheckDefinition, options: RunChecksOptions): Promise<CheckOutcome> {
  const { measurements, applied, signal } = options;
  const deadline = Date.now() + options.patienceMs;
  // A sample that was taken while the change was on its way is no verdict: such checks get one second look.
  let secondLooks = options.patienceMs > 0 ? 1 : 0;
  for (;;) {
    signal.throwIfAborted();
    let lastObserved: string | undefined;
    const onProgress = (progress: number): void =>
      options.onChange({ id: check.id, state: "measuring", progress, observed: lastObserved });
    onProgress(0);
    const outcome = await measureCheck(check, { measurements, applied, signal, onProgress });
    // Not every measurement can be interrupted: what one finds after its end was asked for is nobody's answer.
    signal.throwIfAborted();
    if (outcome.passed) return outcome;
    const again = outcome.mayChange ? Date.now() < deadline : secondLooks-- > 0;
    if (!again) return outcome;
    lastObserved = outcome.observed;
    options.onChange({ id: check.id, state: "measuring", progress: 0, observed: outcome.observed });
    await delay(outcome.mayChange ? 200 : 1000, undefined, { signal });
  }
}
