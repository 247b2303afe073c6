import { LiveCharts } from "../../charts/view/live-charts.tsx";
import { TrafficControls } from "../../traffic/view/traffic-controls.tsx";
import { TopologyView } from "./topology-view.tsx";

/** The whole mesh: who talks to whom, how the versions of a service do, and the traffic that drives it. */
export function MeshPage() {
  return (
    <div className="mesh-page">
      <section className="card mesh-picture" aria-label="Topology">
        <TopologyView />
      </section>
      <section className="card mesh-charts" aria-label="Charts">
        <LiveCharts />
      </section>
      <TrafficControls />
    </div>
  );
}
