import { type EdgeStats, edgesBetween } from "./edges.ts";
import { type Sample, SeriesNames } from "./prometheus.ts";

/** Two minutes of one-second samples, the longest window that anything shows. */
const MAX_SAMPLES = 125;

/** The last samples of every proxy, by pod. Pods that are gone keep counting for the windows that they were in. */
export class MetricsHistory {
  readonly #names = new SeriesNames();
  readonly #samples = new Map<string, Sample[]>();

  add(pod: string, sample: Sample): void {
    const samples = this.#samples.get(pod) ?? [];
    const values = new Map<string, number>();
    for (const [series, value] of sample.values) values.set(this.#names.canonical(series), value);
    samples.push({ time: sample.time, values });
    if (samples.length > MAX_SAMPLES) samples.shift();
    this.#samples.set(pod, samples);
  }

  /** Forgets pods whose last sample is older than any window. */
  expire(now: number): void {
    for (const [pod, samples] of this.#samples)
      if (now - samples.at(-1)!.time > MAX_SAMPLES * 1000) this.#samples.delete(pod);
  }

  /**
   * What was counted between two moments, in milliseconds since the epoch. For each pod the last samples at or before them
   * count; a pod first seen inside the window counts from its first sample if it is older than the window's start, else whole.
   */
  edges(from: number, to: number): readonly EdgeStats[] {
    const pairs: { from: Sample | undefined; to: Sample }[] = [];
    for (const samples of this.#samples.values()) {
      const last = samples.findLast((sample) => sample.time <= to);
      if (last === undefined || last.time < from) continue;
      pairs.push({ from: samples.findLast((sample) => sample.time <= from) ?? baseline(samples), to: last });
    }
    return edgesBetween(pairs, this.#names);
  }
}

/** Before its first sample a pod may have counted for hours (the host was restarted): then that sample is where counting begins. */
function baseline(samples: readonly Sample[]): Sample | undefined {
  return samples[0];
}
