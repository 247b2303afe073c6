import type { Command } from "commander";
import { labels } from "#api/names.ts";
import { withCluster } from "../cluster-client.ts";
import { table } from "../table.ts";
import { listWaypoints, programmedOf, type WaypointGateway } from "./gateway.ts";

interface Options {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
}

export function addList(group: Command): void {
  group
    .command("list")
    .description("list waypoints")
    .option("-A, --all-namespaces", "of all namespaces")
    .action(async (_, command: Command) => {
      const { namespace, allNamespaces = false } = command.optsWithGlobals<Options>();
      const found = await withCluster((client) => listWaypoints(client, allNamespaces ? {} : { namespace }));
      console.log(found.length === 0 ? "No waypoints found." : waypointsTable(found, allNamespaces));
    });
}

/** The table of istioctl: TRAFFIC TYPE says "none" where the waypoint leaves it to the default. */
export function waypointsTable(waypoints: readonly WaypointGateway[], withNamespace: boolean): string {
  const header = ["NAME", "REVISION", "TRAFFIC TYPE", "PROGRAMMED"];
  const rows = waypoints.map((one) => {
    const { name = "", namespace = "", labels: own = {} } = one.metadata;
    const cells = [
      name,
      own[labels.revision] ?? "default",
      own[labels.waypointFor] ?? "none",
      programmedOf(one)?.status ?? "False",
    ];
    return withNamespace ? [namespace, ...cells] : cells;
  });
  return table(withNamespace ? ["NAMESPACE", ...header] : header, rows);
}
