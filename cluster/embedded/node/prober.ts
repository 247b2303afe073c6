import type { IProbe } from "kubernetes-models/v1/Probe";
import type { Clock } from "../machinery/clock.ts";
import { type ProbeResult, type ProbeTarget, runProbe } from "./probe.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface ProberEvents {
  /** The verdict changed, after as many checks as the thresholds ask for. */
  onVerdict(kind: ProbeKind, ok: boolean): void;
  /** A check failed. */
  onFailure(kind: ProbeKind, message: string): void;
}

export interface ProberOptions {
  readonly clock: Clock;
  readonly target: ProbeTarget;
  readonly events: ProberEvents;
  readonly check?: (probe: IProbe, target: ProbeTarget) => Promise<ProbeResult>;
}

/** First waits while a container starts, in milliseconds: nobody is served sooner by waiting a whole period. */
const EAGER_FIRST_MS = 50;

/** Repeats one probe until disposed. */
export function startProbe(kind: ProbeKind, probe: IProbe, options: ProberOptions): () => void {
  const { clock, target, events } = options;
  const check = options.check ?? runProbe;
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  const successThreshold = kind === "readiness" ? (probe.successThreshold ?? 1) : 1;
  const failureThreshold = probe.failureThreshold ?? 3;
  let stopped = false;
  let cancel: () => void = () => undefined;
  let verdict: boolean | undefined;
  let run = 0;
  let runOk: boolean | undefined;
  let eagerMs = EAGER_FIRST_MS;
  let countedAt = Number.NEGATIVE_INFINITY;

  const judge = (result: ProbeResult): void => {
    run = runOk === result.ok ? run + 1 : 1;
    runOk = result.ok;
    if (!result.ok) events.onFailure(kind, result.message);
    if (run < (result.ok ? successThreshold : failureThreshold) || verdict === result.ok) return;
    verdict = result.ok;
    events.onVerdict(kind, result.ok);
  };
  const next = async (): Promise<void> => {
    const result = await check(probe, target);
    if (stopped) return;
    const now = clock.now();
    // Checks between periods only find out sooner that a container has come up; they never count against it.
    const extra = verdict === undefined && now - countedAt < periodMs;
    if (result.ok || !extra) {
      if (!result.ok) countedAt = now;
      judge(result);
    }
    const waitMs = verdict === undefined && kind !== "liveness" ? Math.min(eagerMs, periodMs) : periodMs;
    eagerMs = Math.min(eagerMs * 2, periodMs);
    if (!stopped) cancel = clock.after(waitMs, () => void next());
  };
  cancel = clock.after((probe.initialDelaySeconds ?? 0) * 1000, () => void next());
  return () => {
    stopped = true;
    cancel();
  };
}
