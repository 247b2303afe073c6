import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface TimeChartProps {
  readonly title: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly {
    readonly name: string;
    readonly color: string;
    readonly values: readonly (number | undefined)[];
  }[];
  readonly maximum: number | undefined;
  /** How far the picture reaches back: a fixed width, so that lines move through it and nothing is stretched. */
  readonly seconds: number;
}

/** Lines over time. The numbers stand in the table beside, for those who cannot see them here. */
export default function TimeChart({ title, times, series, maximum, seconds }: TimeChartProps) {
  const parent = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const scheme = useScheme();
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [[...times], ...series.map((one) => one.values.map((value) => value ?? null))];
  const key = series.map((one) => one.name).join();
  const colors = series.map((one) => one.color);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the chart is made anew only when its series are others
  useEffect(() => {
    const element = parent.current;
    if (element === null) return;
    // Colours of the page are resolved here, because a canvas does not know custom properties.
    const probe = document.createElement("span");
    element.append(probe);
    const paint = (color: string): string => {
      probe.style.color = color;
      return getComputedStyle(probe).color;
    };
    const text = paint("var(--text-2)");
    const grid = { stroke: paint("var(--line)"), width: 1 };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: Math.max(90, element.clientHeight),
        legend: { show: false },
        cursor: { y: false },
        padding: [8, 22, 0, 0],
        scales: {
          x: { time: false, range: (_, __, last) => [last - seconds, last] },
          y: { range: (_, __, high) => [0, maximum ?? Math.max(10, (high ?? 0) * 1.15)] },
        },
        axes: [
          {
            stroke: text,
            grid: { show: false },
            ticks: { show: false },
            size: 22,
            splits: (_, __, first, last) => [first, last - seconds / 2, last],
            values: () => [`−${seconds} s`, `−${seconds / 2} s`, "now"],
          },
          { stroke: text, grid, ticks: { show: false }, size: 40, space: 40 },
        ],
        series: [
          {},
          ...series.map((one, index) => ({
            label: one.name,
            stroke: paint(colors[index]!),
            width: 2,
            spanGaps: true,
            dash: index % 2 === 1 ? [6, 4] : [],
            points: { show: false },
          })),
        ],
      },
      data.current,
      element,
    );
    probe.remove();
    chart.current = plot;
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: Math.max(90, element.clientHeight) }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [key, maximum, scheme]);
  useEffect(() => {
    chart.current?.setData(data.current);
  });
  return (
    <figure className="time-chart">
      <figcaption>{title}</figcaption>
      <div ref={parent} className="time-chart-canvas" aria-hidden />
    </figure>
  );
}

/** Changes when the page's colours do, by the switch or by the system. */
function useScheme(): string {
  const [scheme, setScheme] = useState("");
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const read = (): void => setScheme(`${document.documentElement.dataset.theme ?? ""}/${system.matches}`);
    read();
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    system.addEventListener("change", read);
    return () => {
      observer.disconnect();
      system.removeEventListener("change", read);
    };
  }, []);
  return scheme;
}
