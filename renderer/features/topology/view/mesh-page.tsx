import { VersionCharts } from "../../charts/view/version-charts.tsx";
import { TrafficControls } from "../../traffic/view/traffic-controls.tsx";
import { TopologyView } from "./topology-view.tsx";

/** The whole mesh: who talks to whom, how the versions of a service do, and the traffic that drives it. */
export function MeshPage() {
  return (
    <div className="mesh-page">
      <section className="card mesh-picture" aria-label="Topology">
        <TopologyView />
      </section>
      <section className="card mesh-charts" aria-label="Versions, errors and latency">
        <VersionCharts initial="cart" />
      </section>
      <TrafficControls />
    </div>
  );
}
