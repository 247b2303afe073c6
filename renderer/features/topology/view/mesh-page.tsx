import { useState } from "react";
import type { TopologyEdge } from "#api/rpc/telemetry.ts";
import { milliseconds, percent, rate } from "../../../ui/format.ts";
import { VersionCharts } from "../../charts/view/version-charts.tsx";
import { TrafficControls } from "../../traffic/view/traffic-controls.tsx";
import { TopologyView } from "./topology-view.tsx";

/** The whole mesh; an edge tells its numbers. */
export function MeshPage() {
  const [edge, setEdge] = useState<TopologyEdge>();
  return (
    <div className="mesh-page">
      <section className="card mesh-picture" aria-label="Topology">
        <TopologyView onSelect={setEdge} />
        {edge && <EdgeNumbers edge={edge} />}
      </section>
      <section className="card mesh-charts">
        <VersionCharts service="cart" />
      </section>
      <TrafficControls />
    </div>
  );
}

function EdgeNumbers({ edge }: { readonly edge: TopologyEdge }) {
  const rows = [
    ["requests", rate(edge.requestsPerSecond)],
    ["errors", percent(edge.errorShare)],
    ["p50", milliseconds(edge.p50Ms)],
    ["p99", milliseconds(edge.p99Ms)],
    ["mutual TLS", percent(edge.mutualTlsShare)],
    ...Object.entries(edge.flags).map(([flag, share]) => [`flag ${flag}`, percent(share)]),
  ];
  return (
    <aside className="card edge-numbers">
      <strong>
        {edge.from.split("/")[1]} → {edge.to.split("/")[1]}
      </strong>
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </aside>
  );
}
