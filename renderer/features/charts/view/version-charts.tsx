import { type CSSProperties, lazy, Suspense, useRef, useState } from "react";
import type { TrafficPoint } from "#api/rpc/telemetry.ts";
import { useStream } from "../../../bridge/hooks.ts";
import { milliseconds, percent, versionColor } from "../../../ui/format.ts";
import { servicesOf, summarize, versionsOf } from "../model.ts";
import "./charts.css";

const TimeChart = lazy(() => import("./time-chart.tsx"));
const SECONDS = 120;
const RECENT = 10;

/** Share, errors and latency of each version of a service over the last two minutes. */
export function VersionCharts({ initial }: { readonly initial: string }) {
  const [service, choose] = useState(initial);
  const points = useRef<readonly TrafficPoint[]>([]);
  const [, redraw] = useState(0);
  useStream("traffic.series", { seconds: SECONDS }, (events) => {
    const known = new Set(points.current.map((point) => point.time));
    const fresh = events.flatMap((event) => event.points).filter((point) => !known.has(point.time));
    points.current = [...points.current, ...fresh].slice(-SECONDS);
    redraw((count) => count + 1);
  });
  const shown = points.current;
  const services = servicesOf(shown, service);
  const versions = versionsOf(shown, service);
  if (versions.length === 0) {
    return (
      <div className="empty">The answers of {service} by version will appear here as soon as there is traffic.</div>
    );
  }
  const charts = [
    {
      title: "share of answers",
      unit: "%",
      of: (point: TrafficPoint, version: string) => shareOf(point, service, version),
    },
    { title: "errors", unit: "%", of: (point: TrafficPoint, version: string) => errorsOf(point, service, version) },
    {
      title: "p99",
      unit: "ms",
      of: (point: TrafficPoint, version: string) => point.byVersion[service]?.[version]?.p99Ms,
    },
  ];
  const recent = shown.slice(-RECENT);
  return (
    <div className="charts">
      <table className="chart-legend">
        <caption className="visually-hidden">
          The last {RECENT} seconds of {service}
        </caption>
        <thead>
          <tr>
            <th>
              <select
                className="chart-service"
                aria-label="Service"
                value={service}
                onChange={(event) => choose(event.target.value)}
              >
                {services.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </th>
            <th>share</th>
            <th>errors</th>
            <th>p99</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => {
            const { share, errors, p99Ms } = summarize(recent, service, version);
            return (
              <tr key={version}>
                <th scope="row">
                  <span className="swatch" style={lineStyle(versions, version)} aria-hidden /> {version}
                </th>
                <td>{percent(share)}</td>
                <td className={errors > 0.01 ? "bad" : ""}>{percent(errors)}</td>
                <td>{milliseconds(p99Ms)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="chart-row">
        <Suspense fallback={null}>
          {charts.map(({ title, unit, of }) => (
            <TimeChart
              key={title}
              title={`${title}, ${unit}`}
              times={shown.map((point) => point.time / 1000)}
              series={versions.map((version) => ({
                name: version,
                color: versionColor(version),
                values: shown.map((point) => of(point, version)),
              }))}
              maximum={title === "share of answers" ? 100 : undefined}
              seconds={SECONDS}
            />
          ))}
        </Suspense>
      </div>
    </div>
  );
}

/** As the line in the chart: the colour of the version, and dashes, which tell versions apart without colour. */
const lineStyle = (versions: readonly string[], version: string): CSSProperties => ({
  borderColor: versionColor(version),
  borderTopStyle: versions.indexOf(version) % 2 === 1 ? "dashed" : "solid",
});

function shareOf(point: TrafficPoint, service: string, version: string): number | undefined {
  const versions = Object.values(point.byVersion[service] ?? {});
  const total = versions.reduce((sum, one) => sum + one.answers, 0);
  return total === 0 ? undefined : ((point.byVersion[service]?.[version]?.answers ?? 0) / total) * 100;
}

function errorsOf(point: TrafficPoint, service: string, version: string): number | undefined {
  const one = point.byVersion[service]?.[version];
  return one === undefined || one.answers === 0 ? undefined : (one.errors / one.answers) * 100;
}
