import type { Command } from "commander";
import { addApply } from "../waypoint/apply.ts";
import { addDelete } from "../waypoint/delete.ts";
import { DEFAULT_NAME } from "../waypoint/gateway.ts";
import { addGenerate } from "../waypoint/generate.ts";
import { addList } from "../waypoint/list.ts";
import { addStatus } from "../waypoint/status.ts";

/** Flags and tables are istioctl's. */
export function addWaypoint(program: Command): void {
  const group = program
    .command("waypoint")
    .description("waypoints: the proxies of ambient mode that read requests")
    .option("-n, --namespace <namespace>", "the waypoint's namespace", "default")
    .option("--name <name>", "the waypoint's name", DEFAULT_NAME);
  for (const add of [addApply, addDelete, addGenerate, addList, addStatus]) add(group);
}
