import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { toEnvoyJson } from "#mesh/lib/xds/any-json.ts";
import { nodeOf } from "../agent/node.ts";
import type { AgentView } from "../agent/view.ts";
import { istioVersion, slipwayVersion } from "../config.ts";

/** /server_info: envoy.admin.v3.ServerInfo. */
export function serverInfo(view: AgentView): unknown {
  const uptime = `${Math.floor((Date.now() - view.startedAt) / 1000)}s`;
  return {
    version: `slipway/${slipwayVersion}/istio-${istioVersion}`,
    state: view.state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {
      service_node: nodeOf(view.config).id,
      service_cluster: nodeOf(view.config).cluster,
      drain_time: `${view.config.drainMs / 1000}s`,
    },
    node: toEnvoyJson(Node.toJSON(nodeOf(view.config))),
  };
}
