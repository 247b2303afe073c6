import type { Topology } from "#api/rpc/telemetry.ts";

export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 58;

/** What decides where things stand. While it stays the same, the picture stays still. */
export function structureKey({ nodes, edges }: Topology): string {
  return [...nodes.map((node) => node.id), ...edges.map((edge) => `${edge.from}>${edge.to}`)].join("|");
}

/** Columns from left to right in the direction of the requests, by ELK, loaded when the first picture is drawn. */
export async function layOut({ nodes, edges }: Topology): Promise<readonly Placed[]> {
  const { default: Elk } = await import("elkjs/lib/elk.bundled.js");
  const graph = await new Elk().layout({
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.layered.spacing.nodeNodeBetweenLayers": "110",
      "elk.spacing.nodeNode": "26",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    },
    children: nodes.map((node) => ({ id: node.id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: edges.map((edge) => ({ id: `${edge.from}>${edge.to}`, sources: [edge.from], targets: [edge.to] })),
  });
  return (graph.children ?? []).map(({ id, x = 0, y = 0 }) => ({ id, x, y }));
}
