import type { OutlierDetection } from "#gen/xds/envoy/config/cluster/v3/outlier_detection.ts";
import { milliseconds } from "../match/duration.ts";

/** A host's record with the outlier detector. */
export class OutlierState {
  consecutive5xx = 0;
  consecutiveGateway = 0;
  consecutiveLocal = 0;
  ejectedUntil = 0;
  ejections = 0;

  get ejected(): boolean {
    return this.ejectedUntil > 0;
  }
}

export interface OutlierPolicy {
  readonly consecutive5xx: number;
  readonly consecutiveGateway: number;
  readonly consecutiveLocal: number;
  readonly splitLocal: boolean;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionPercent: number;
}

/** Compiles Envoy's passive outlier detection by consecutive failures; 0 switches a kind off. */
export function compileOutlierPolicy(config: OutlierDetection): OutlierPolicy {
  const enforced = (percent: number | undefined, fallback: number): boolean => (percent ?? fallback) > 0;
  const base = milliseconds(config.baseEjectionTime) ?? 30_000;
  return {
    consecutive5xx: enforced(config.enforcingConsecutive5xx, 100) ? (config.consecutive5xx ?? 5) : 0,
    consecutiveGateway: enforced(config.enforcingConsecutiveGatewayFailure, 0)
      ? (config.consecutiveGatewayFailure ?? 5)
      : 0,
    consecutiveLocal: enforced(config.enforcingConsecutiveLocalOriginFailure, 100)
      ? (config.consecutiveLocalOriginFailure ?? 5)
      : 0,
    splitLocal: config.splitExternalLocalOriginErrors,
    intervalMs: milliseconds(config.interval) ?? 10_000,
    baseEjectionMs: base,
    maxEjectionMs: milliseconds(config.maxEjectionTime) ?? Math.max(base, 300_000),
    maxEjectionPercent: config.maxEjectionPercent ?? 10,
  };
}

/** Counts a response; true when the host should now be ejected. A good answer ends every run of failures. */
export function noteStatus(policy: OutlierPolicy, state: OutlierState, status: number): boolean {
  if (status < 500) {
    state.consecutive5xx = 0;
    state.consecutiveGateway = 0;
    state.consecutiveLocal = 0;
    return false;
  }
  state.consecutive5xx += 1;
  if (status >= 502 && status <= 504) state.consecutiveGateway += 1;
  else state.consecutiveGateway = 0;
  return (
    reached(state.consecutive5xx, policy.consecutive5xx) || reached(state.consecutiveGateway, policy.consecutiveGateway)
  );
}

/** Counts a failure to reach the host; without the split it counts as a gateway failure, as in Envoy. */
export function noteLocalFailure(policy: OutlierPolicy, state: OutlierState): boolean {
  if (!policy.splitLocal) return noteStatus(policy, state, 503);
  state.consecutiveLocal += 1;
  return reached(state.consecutiveLocal, policy.consecutiveLocal);
}

function reached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

/** Ejects unless too many hosts are out already; always lets one go, as Envoy does. */
export function eject(
  policy: OutlierPolicy,
  state: OutlierState,
  pool: { hosts: number; ejected: number; now: number },
): boolean {
  if (state.ejected) return false;
  const allowed = Math.max(1, Math.floor((pool.hosts * policy.maxEjectionPercent) / 100));
  if (policy.maxEjectionPercent === 0 || pool.ejected >= allowed) return false;
  state.ejections += 1;
  state.ejectedUntil = pool.now + Math.min(policy.maxEjectionMs, policy.baseEjectionMs * state.ejections);
  return true;
}

/** Takes a host back when its time is over. Called every interval. */
export function review(state: OutlierState, now: number): boolean {
  if (!state.ejected) {
    if (state.ejections > 0) state.ejections -= 1;
    return false;
  }
  if (now < state.ejectedUntil) return false;
  state.ejectedUntil = 0;
  state.consecutive5xx = 0;
  state.consecutiveGateway = 0;
  state.consecutiveLocal = 0;
  return true;
}
