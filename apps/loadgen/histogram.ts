import { build, type Histogram } from "hdr-histogram-js";
import type { LatencySummary } from "#api/traffic.ts";

/** Latencies in an HDR histogram: microseconds up to two minutes, three digits. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000_000,
    numberOfSignificantValueDigits: 3,
  });

  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(120_000_000, Math.max(1, Math.round(milliseconds * 1000))));
  }

  summary(): LatencySummary | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / 1000;
    return { p50: at(50), p90: at(90), p99: at(99), max: this.#histogram.maxValue / 1000 };
  }

  reset(): void {
    this.#histogram.reset();
  }
}
