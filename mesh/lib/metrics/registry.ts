/** Monotonic count. Handles are made once; counting allocates nothing. */
export interface Counter {
  value: number;
}

/** Counts by upper bound; `counts` has one more entry than `bounds`, for what is above all of them. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum: number;
}

export type Labels = readonly (readonly [name: string, value: string])[];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Label text, without braces, to the series. */
  readonly series: Map<string, Counter | Histogram>;
}

/** Envoy's default buckets, which Istio's metrics use for milliseconds and bytes alike. */
export const defaultBuckets: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** Metrics of one process. Bounded: beyond `maxSeries`, new series are not kept but counted as dropped. */
export class Registry {
  readonly #families = new Map<string, Family>();
  readonly #collectors = new Set<(write: GaugeWriter) => void>();
  readonly #maxSeries: number;
  #series = 0;
  #dropped = 0;

  constructor(options: { readonly maxSeries?: number } = {}) {
    this.#maxSeries = options.maxSeries ?? 20_000;
  }

  counter(name: string, help: string, labels: Labels): Counter {
    return this.#resolve({ name, help, type: "counter" }, labels, (): Counter => ({ value: 0 })) as Counter;
  }

  histogram(name: string, help: string, labels: Labels): Histogram {
    const make = (): Histogram => ({
      bounds: defaultBuckets,
      counts: new Array<number>(defaultBuckets.length + 1).fill(0),
      sum: 0,
    });
    return this.#resolve({ name, help, type: "histogram" }, labels, make) as Histogram;
  }

  /** Values that are read when somebody asks. Returns how to stop. */
  collect(collector: (write: GaugeWriter) => void): () => void {
    this.#collectors.add(collector);
    return () => this.#collectors.delete(collector);
  }

  /**
   * Prometheus' text format 0.0.4, or OpenMetrics 1.0.
   * @param filter which families; all by default
   */
  text(format: "prometheus" | "openmetrics" = "prometheus", filter: (name: string) => boolean = () => true): string {
    const lines: string[] = [];
    for (const family of this.#families.values()) if (filter(family.name)) writeFamily(lines, family, format);
    const gauges = new Map<string, Family>();
    const write: GaugeWriter = (name, help, labels, value) => {
      const family: Family = gauges.get(name) ?? { name, help, type: "gauge", series: new Map() };
      gauges.set(name, family);
      family.series.set(labelText(labels), { value });
    };
    for (const collector of this.#collectors) collector(write);
    write("slipway_metric_series_dropped", "Series that were not kept because there were too many", [], this.#dropped);
    for (const family of gauges.values()) if (filter(family.name)) writeFamily(lines, family, format);
    if (format === "openmetrics") lines.push("# EOF");
    return `${lines.join("\n")}\n`;
  }

  #resolve(about: Omit<Family, "series">, labels: Labels, make: () => Counter | Histogram): Counter | Histogram {
    let family = this.#families.get(about.name);
    if (family === undefined) {
      family = { ...about, series: new Map() };
      this.#families.set(about.name, family);
    }
    const key = labelText(labels);
    const known = family.series.get(key);
    if (known !== undefined) return known;
    const series = make();
    if (this.#series >= this.#maxSeries) this.#dropped++;
    else {
      this.#series++;
      family.series.set(key, series);
    }
    return series;
  }
}

export type GaugeWriter = (name: string, help: string, labels: Labels, value: number) => void;

/** Adds a value to a histogram. */
export function observe(histogram: Histogram, value: number): void {
  const { bounds, counts } = histogram;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= bounds[middle]!) high = middle;
    else low = middle + 1;
  }
  counts[low]!++;
  histogram.sum += value;
}

function writeFamily(lines: string[], family: Family, format: "prometheus" | "openmetrics"): void {
  // OpenMetrics names a counter's family without the suffix that its samples carry.
  const named =
    format === "openmetrics" && family.type === "counter" ? family.name.replace(/_total$/, "") : family.name;
  lines.push(`# HELP ${named} ${family.help}`, `# TYPE ${named} ${family.type}`);
  for (const [labels, series] of family.series) {
    if ("value" in series) lines.push(`${family.name}${labels === "" ? "" : `{${labels}}`} ${number(series.value)}`);
    else writeHistogram(lines, { name: family.name, labels, histogram: series });
  }
}

function writeHistogram(
  lines: string[],
  { name, labels, histogram }: { name: string; labels: string; histogram: Histogram },
): void {
  const prefix = labels === "" ? "" : `${labels},`;
  let total = 0;
  for (const [index, count] of histogram.counts.entries()) {
    total += count;
    const bound = histogram.bounds[index];
    lines.push(`${name}_bucket{${prefix}le="${bound === undefined ? "+Inf" : bound}"} ${total}`);
  }
  const braces = labels === "" ? "" : `{${labels}}`;
  lines.push(`${name}_sum${braces} ${number(histogram.sum)}`, `${name}_count${braces} ${total}`);
}

const number = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Math.round(value * 1000) / 1000);

const labelText = (labels: Labels): string => labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(",");

const escaped = (value: string): string =>
  /["\\\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : value;
