import type { Topology, TopologyEdge, TopologyNode } from "#api/rpc/telemetry.ts";
import type { EdgeStats, Workload } from "./edges.ts";

/** A workload as the API server knows it, whether it has traffic or not. */
export interface KnownWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly app: string;
  readonly version: string;
  readonly gateway: boolean;
  readonly pods: { readonly ready: number; readonly total: number };
}

/** Joins what exists with what was measured. Workloads without traffic are there too: a dark version should be seen to be dark. */
export function topologyOf(
  workloads: readonly KnownWorkload[],
  edges: readonly EdgeStats[],
  windowSeconds: number,
): Topology {
  const nodes = new Map<string, TopologyNode>();
  for (const workload of workloads) {
    const { namespace, name, app, version, gateway, pods } = workload;
    const id = `${namespace}/${name}`;
    nodes.set(id, { id, namespace, workload: name, app, version, pods, role: gateway ? "gateway" : "workload" });
  }
  const node = (workload: Workload, side: "source" | "destination"): string => {
    const id = `${workload.namespace}/${workload.name}`;
    if (!nodes.has(id)) {
      const { namespace, name, app, version } = workload;
      const role = side === "source" ? "client" : "external";
      nodes.set(id, { id, namespace, workload: name, app, version, role, pods: { ready: 0, total: 0 } });
    }
    return id;
  };
  const drawn = edges.map((edge): TopologyEdge => {
    const { secured, all } = edge.mutualTls;
    return {
      from: node(edge.source, "source"),
      to: node(edge.destination, "destination"),
      protocol: edge.protocol,
      requestsPerSecond: edge.requests / windowSeconds,
      errorShare: edge.requests === 0 ? 0 : edge.errors / edge.requests,
      p50Ms: edge.p50Ms,
      p99Ms: edge.p99Ms,
      mutualTlsShare: all === 0 ? 0 : secured / all,
      flags: Object.fromEntries([...edge.byFlag].map(([flag, count]) => [flag, count / edge.requests])),
    };
  });
  const byId = <T extends { readonly id: string }>(a: T, b: T): number => a.id.localeCompare(b.id);
  const byEnds = (a: TopologyEdge, b: TopologyEdge): number => a.from.localeCompare(b.from) || a.to.localeCompare(b.to);
  return { windowSeconds, nodes: [...nodes.values()].toSorted(byId), edges: drawn.toSorted(byEnds) };
}
