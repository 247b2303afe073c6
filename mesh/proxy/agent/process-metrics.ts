import type { LineWriter } from "#mesh/lib/access-log/writer.ts";
import { collectProcessUse } from "#mesh/lib/metrics/process-use.ts";
import type { Labels } from "#mesh/lib/metrics/registry.ts";
import { istioVersion } from "../config.ts";
import type { AgentView } from "./view.ts";

/** What the proxy says about itself: memory, processor time, its connection to the control plane, its certificate, its upstreams. */
export function collectProcessMetrics(view: AgentView, accessLog: Pick<LineWriter, "dropped">): () => void {
  const stopUse = collectProcessUse(view.registry);
  const stop = view.registry.collect((write) => {
    write("process_start_time_seconds", "When the proxy started", [], view.startedAt / 1000);
    write(
      "istio_build",
      "Version of the proxy",
      [
        ["component", "proxy"],
        ["tag", istioVersion],
      ],
      1,
    );
    write("envoy_server_live", "1 when it serves", [], view.state() === "LIVE" ? 1 : 0);
    write(
      "envoy_control_plane_connected_state",
      "1 when connected to the control plane",
      [],
      view.xds.status().connected ? 1 : 0,
    );
    write(
      "slipway_access_log_lines_dropped",
      "Access log lines dropped because nobody read them in time",
      [],
      accessLog.dropped,
    );
    const certificate = view.certificate();
    if (certificate !== undefined) {
      const seconds = (certificate.notAfter.getTime() - Date.now()) / 1000;
      write(
        "istio_agent_cert_expiry_seconds",
        "Seconds until the workload's certificate ends",
        [["resource_name", "default"]],
        seconds,
      );
    }
    for (const { name, endpoints } of view.dataPlane.clusterStatus()) {
      const labels: Labels = [["cluster_name", name]];
      write("envoy_cluster_membership_total", "Endpoints of a cluster", labels, endpoints.length);
      write(
        "envoy_cluster_membership_healthy",
        "Healthy endpoints of a cluster",
        labels,
        endpoints.filter(({ health }) => health === "HEALTHY").length,
      );
      write(
        "envoy_cluster_upstream_cx_active",
        "Open connections to a cluster",
        labels,
        endpoints.reduce((sum, one) => sum + one.activeConnections, 0),
      );
    }
  });
  return () => {
    stopUse();
    stop();
  };
}
