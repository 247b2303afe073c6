import type { TrafficPoint, VersionPoint } from "#api/rpc/telemetry.ts";
import type { TrafficInterval } from "#api/traffic.ts";
import type { EdgeStats } from "./edges.ts";

/** Joins a second of the generator's own counts with what the proxies measured per version in that second. */
export function trafficPoint(interval: TrafficInterval, edges: readonly EdgeStats[]): TrafficPoint {
  const byVersion: Record<string, Record<string, VersionPoint>> = {};
  for (const { destination, requests, errors, p99Ms } of edges) {
    if (destination.version === "" || destination.app === "") continue;
    byVersion[destination.app] ??= {};
    const versions = byVersion[destination.app]!;
    const before = versions[destination.version];
    versions[destination.version] = {
      answers: (before?.answers ?? 0) + requests,
      errors: (before?.errors ?? 0) + errors,
      p99Ms: before?.p99Ms === undefined ? p99Ms : Math.max(before.p99Ms, p99Ms ?? 0),
    };
  }
  return {
    time: interval.time,
    sent: interval.sent,
    completed: interval.completed,
    inFlight: interval.inFlight,
    byStatus: interval.byStatus,
    byVersion,
    errors: interval.errors,
    p50Ms: interval.latency?.p50,
    p90Ms: interval.latency?.p90,
    p99Ms: interval.latency?.p99,
  };
}
