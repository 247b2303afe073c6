import { lazy, Suspense, useRef, useState } from "react";
import type { ProxyUse, ProxyUsePoint } from "#api/rpc/telemetry.ts";
import { useStream } from "../../../bridge/hooks.ts";
import { bytes, percent } from "../../../ui/format.ts";
import { groupsOf, summarizeGroup, takenBy } from "../proxy-model.ts";
import "./charts.css";

const TimeChart = lazy(() => import("./time-chart.tsx"));
const SECONDS = 120;
const RECENT = 10;

const charts: readonly { readonly title: string; readonly of: (use: ProxyUse) => number }[] = [
  { title: "memory, MB", of: ({ memoryBytes }) => memoryBytes / 1e6 },
  { title: "processor, % of one", of: ({ processors }) => processors * 100 },
];

/** What proxies take over the last two minutes: sidecars by namespace, the ztunnels, waypoints, gateways. */
export function ProxyCharts() {
  const points = useRef<readonly ProxyUsePoint[]>([]);
  const [, redraw] = useState(0);
  useStream("proxies.use", { seconds: SECONDS }, (events) => {
    const known = new Set(points.current.map(({ time }) => time));
    const fresh = events.flatMap((event) => event.points).filter(({ time }) => !known.has(time));
    points.current = [...points.current, ...fresh].slice(-SECONDS);
    redraw((count) => count + 1);
  });
  const shown = points.current;
  const groups = groupsOf(shown);
  if (groups.length === 0)
    return <div className="empty">What proxies take will appear here as soon as there are some.</div>;
  const recent = shown.slice(-RECENT);
  return (
    <div className="charts">
      <table className="chart-legend">
        <caption className="visually-hidden">Proxies in the last {RECENT} seconds</caption>
        <thead>
          <tr>
            <th>proxies</th>
            <th>number</th>
            <th>memory</th>
            <th>processor</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group, index) => {
            const summary = summarizeGroup(recent, group);
            const style = {
              borderTopColor: group.color,
              borderTopStyle: index % 2 === 1 ? "dashed" : "solid",
            } as const;
            return (
              <tr key={group.key}>
                <th scope="row">
                  <span className="swatch" style={style} aria-hidden /> {group.name}
                </th>
                <td>{summary?.proxies ?? 0}</td>
                <td>{bytes(summary?.memoryBytes)}</td>
                <td>{percent(summary?.processors)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="chart-row two">
        <Suspense fallback={null}>
          {charts.map(({ title, of }) => (
            <TimeChart
              key={title}
              title={title}
              times={shown.map(({ time }) => time / 1000)}
              series={groups.map((group) => ({
                name: group.name,
                color: group.color,
                values: shown.map((point) => {
                  const use = takenBy(point, group);
                  return use === undefined ? undefined : of(use);
                }),
              }))}
              maximum={undefined}
              seconds={SECONDS}
            />
          ))}
        </Suspense>
      </div>
    </div>
  );
}
