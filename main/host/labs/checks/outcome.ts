import type { ObjectReference } from "#api/kinds/object.ts";
import type { Measurements } from "../measurements.ts";

export interface CheckContext {
  readonly measurements: Measurements;
  /** What was applied last in this lab. */
  readonly applied: readonly ObjectReference[];
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}

export interface CheckOutcome {
  readonly passed: boolean;
  /** What was measured, in words and numbers. */
  readonly observed: string;
  /** Whether looking again soon may give another answer without anyone doing anything (a pod that is starting). */
  readonly mayChange: boolean;
}

export const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
