import { labels as names } from "#api/names.ts";
import type { Locality, Snapshot, Workload } from "../../model/snapshot.ts";

/**
 * Where a workload runs: as its label says, else where its node is; undefined where neither is known. Labels cannot hold slashes, so
 * that dots stand for them. Source: Istio's documentation of locality load balancing. Pure.
 */
export function localityOf(
  { labels, node }: Pick<Workload, "labels" | "node">,
  nodes: Snapshot["nodes"],
): Locality | undefined {
  const own = labels[names.locality];
  if (own !== undefined && own !== "") {
    const [region = "", zone = "", subzone = ""] = own.split(own.includes("/") ? "/" : ".");
    return { region, zone, subzone };
  }
  const known = nodes.get(node);
  return known?.region || known?.zone || known?.subzone ? known : undefined;
}
