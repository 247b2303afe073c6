/** One reading of a proxy's counters: series text -> value. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly values: ReadonlyMap<string, number>;
}

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly name: string;
  readonly labels: Labels;
}

/** Reads the Prometheus text format, keeping only metrics whose name starts with the prefix. Lines that it cannot read are skipped. */
export function parseSample(text: string, time: number, prefix: string): Sample {
  const values = new Map<string, number>();
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end === -1) end = text.length;
    if (text.startsWith(prefix, start)) {
      const space = text.lastIndexOf(" ", end - 1);
      const value = space > start ? Number(text.slice(space + 1, end)) : Number.NaN;
      if (!Number.isNaN(value)) values.set(text.slice(start, space), value);
    }
    start = end + 1;
  }
  return { time, values };
}

/** Splits `name{a="b",…}`. Results are kept: the same series come back every second. */
export class SeriesNames {
  readonly #known = new Map<string, Series>();
  readonly #texts = new Map<string, string>();

  /** One string for all samples: a piece cut out of an answer would keep the whole answer in memory. */
  canonical(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const copy = Buffer.from(text).toString();
    if (this.#texts.size > 50_000) this.#texts.clear();
    this.#texts.set(copy, copy);
    return copy;
  }

  parse(text: string): Series {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const brace = text.indexOf("{");
    const series: Series =
      brace === -1
        ? { name: text, labels: {} }
        : { name: text.slice(0, brace), labels: parseLabels(text.slice(brace + 1, -1)) };
    if (this.#known.size > 50_000) this.#known.clear();
    this.#known.set(text, series);
    return series;
  }
}

function parseLabels(text: string): Labels {
  const labels: Record<string, string> = {};
  for (const match of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[match[1]!] = match[2]!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}

/** What was counted between two samples. A counter that went down was restarted: then all of it is new. */
export function increase(series: string, from: Sample | undefined, to: Sample): number {
  const now = to.values.get(series) ?? 0;
  const before = from?.values.get(series) ?? 0;
  return now >= before ? now - before : now;
}

/**
 * A quantile of a cumulative histogram, linear inside a bucket as Prometheus' histogram_quantile does.
 * @param buckets upper bound (Infinity for the last) and cumulative count, ascending
 */
export function quantile(
  buckets: readonly { readonly le: number; readonly count: number }[],
  q: number,
): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let lower = 0;
  let below = 0;
  for (const { le, count } of buckets) {
    if (count >= rank) {
      if (le === Number.POSITIVE_INFINITY) return lower;
      return count === below ? le : lower + ((le - lower) * (rank - below)) / (count - below);
    }
    lower = le;
    below = count;
  }
  return lower;
}
