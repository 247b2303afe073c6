/** Restart back-off of one container. Source: the pod lifecycle page of the Kubernetes documentation (10 s, doubled up to 300 s, reset after 10 minutes). */
export interface BackOff {
  /** How long the last delay was, in milliseconds; 0 before the first restart. */
  readonly delay: number;
  /** When the delay was last raised, in milliseconds since 1970. */
  readonly raisedAt: number;
}

export interface BackOffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

const restartLimits: BackOffLimits = { initialMs: 10_000, maxMs: 300_000 };

export const noBackOff: BackOff = { delay: 0, raisedAt: 0 };

/**
 * What to do about a container that ended at `endedAt`: how long to wait from now, and the back-off after it. The first restart is
 * immediate.
 */
export function nextRestart(
  current: BackOff,
  endedAt: number,
  limits: BackOffLimits = restartLimits,
): { readonly waitMs: number; readonly next: BackOff } {
  const calm = current.delay === 0 || endedAt - current.raisedAt > 2 * limits.maxMs;
  if (calm) return { waitMs: 0, next: { delay: limits.initialMs, raisedAt: endedAt } };
  return {
    waitMs: current.delay,
    next: { delay: Math.min(current.delay * 2, limits.maxMs), raisedAt: endedAt + current.delay },
  };
}

/** "10s", "1m20s", "5m0s": durations as Kubernetes prints them. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
