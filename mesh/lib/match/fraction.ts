import type { FractionalPercent } from "#gen/xds/envoy/type/v3/percent.ts";

const denominators: readonly number[] = [100, 10_000, 1_000_000];

/** A fraction in [0, 1]; a missing percentage is none. */
export function fractionOf(percent: FractionalPercent | undefined): number {
  if (percent === undefined) return 0;
  return Math.min(1, percent.numerator / (denominators[percent.denominator] ?? 100));
}
