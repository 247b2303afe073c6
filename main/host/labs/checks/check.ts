import type { LabCheckDefinition } from "#api/lab.ts";
import type { Measurements } from "../measurements.ts";
import { checkResponses, checkShare } from "./probes.ts";
import { checkAcknowledged, checkExists, checkReady } from "./state.ts";
import { checkMutualTls, checkTraffic } from "./traffic.ts";

export interface CheckContext {
  readonly measurements: Measurements;
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

/** Measures one check once. */
export function measureCheck(check: LabCheckDefinition, context: CheckContext): Promise<CheckOutcome> {
  switch (check.type) {
    case "ready":
      return checkReady(check, context);
    case "exists":
      return checkExists(check, context);
    case "acknowledged":
      return checkAcknowledged(context);
    case "share":
      return checkShare(check, context);
    case "responses":
      return checkResponses(check, context);
    case "traffic":
      return checkTraffic(check, context);
    case "mutual-tls":
      return checkMutualTls(check, context);
  }
}

export const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
