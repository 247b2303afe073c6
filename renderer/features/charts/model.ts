import type { TrafficPoint } from "#api/rpc/telemetry.ts";

/** The versions of a service that answered in these seconds, in order. */
export function versionsOf(points: readonly TrafficPoint[], service: string): readonly string[] {
  return [...new Set(points.flatMap((point) => Object.keys(point.byVersion[service] ?? {})))].toSorted();
}

/** The services that answered in these seconds, and the one that is looked at. */
export function servicesOf(points: readonly TrafficPoint[], looked: string): readonly string[] {
  return [...new Set([looked, ...points.flatMap((point) => Object.keys(point.byVersion))])].toSorted();
}

export interface VersionSummary {
  readonly share: number;
  readonly errors: number;
  readonly p99Ms: number | undefined;
}

/** One version over some seconds. */
export function summarize(points: readonly TrafficPoint[], service: string, version: string): VersionSummary {
  const all = points.flatMap((point) => Object.entries(point.byVersion[service] ?? {}));
  const total = all.reduce((sum, [, one]) => sum + one.answers, 0);
  const own = all.filter(([name]) => name === version).map(([, one]) => one);
  const answers = own.reduce((sum, one) => sum + one.answers, 0);
  const errors = own.reduce((sum, one) => sum + one.errors, 0);
  const p99s = own.map((one) => one.p99Ms).filter((value) => typeof value === "number");
  return {
    share: total === 0 ? 0 : answers / total,
    errors: answers === 0 ? 0 : errors / answers,
    p99Ms: p99s.length === 0 ? undefined : Math.max(...p99s),
  };
}
