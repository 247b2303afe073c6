import type { Command } from "commander";
import { withCluster } from "../cluster-client.ts";
import { table } from "../table.ts";
import { listWaypoints, milliseconds, programmedOf, type WaypointGateway } from "./gateway.ts";
import { whenProgrammed } from "./wait.ts";

interface Options {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly wait: boolean;
  readonly waypointTimeout: string;
}

export function addStatus(group: Command): void {
  group
    .command("status")
    .description("what became of waypoints")
    .option("-A, --all-namespaces", "of all namespaces")
    .option("-w, --wait", "wait until they are ready", true)
    .option("--no-wait", "tell what is now")
    .option("--waypoint-timeout <duration>", "how long to wait", "90s")
    .action(async (_, command: Command) => {
      const { namespace, allNamespaces = false, wait, waypointTimeout } = command.optsWithGlobals<Options>();
      const timeoutMs = milliseconds(waypointTimeout);
      const found = await withCluster(async (client) => {
        const all = await listWaypoints(client, allNamespaces ? {} : { namespace });
        if (!wait) return all;
        return Promise.all(all.map((one) => whenProgrammed(client, one, timeoutMs)));
      });
      console.log(found.length === 0 ? "No waypoints found." : statusTable(found, allNamespaces));
    });
}

export function statusTable(waypoints: readonly WaypointGateway[], withNamespace: boolean): string {
  const rows = waypoints.map((one) => {
    const { type = "Programmed", status = "Unknown", reason = "", message = "" } = programmedOf(one) ?? {};
    const cells = [one.metadata.name ?? "", status, type, reason, message];
    return withNamespace ? [one.metadata.namespace ?? "", ...cells] : cells;
  });
  const header = ["NAME", "STATUS", "TYPE", "REASON", "MESSAGE"];
  return table(withNamespace ? ["NAMESPACE", ...header] : header, rows);
}
