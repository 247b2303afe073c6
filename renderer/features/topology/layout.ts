import type { Topology } from "#api/rpc/telemetry.ts";

export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

const NODE_WIDTH = 190;
const NODE_HEIGHT = 58;

/**
 * What decides where things stand. An edge that was seen once keeps its place while both ends exist: traffic that pauses must not
 * make the picture jump.
 */
export class Structure {
  #nodes: ReadonlyMap<string, string> = new Map();
  #edges: ReadonlyMap<string, readonly [from: string, to: string]> = new Map();

  get nodes(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Those that were seen, and where a version that nobody calls yet would be called from: it stands beside its siblings. */
  get edges(): readonly (readonly [from: string, to: string])[] {
    const seen = [...this.#edges.values()];
    const reached = new Set(seen.flat());
    const lonely = [...this.#nodes].filter(([id]) => !reached.has(id));
    const likely = lonely.flatMap(([id, app]) =>
      seen.filter(([, to]) => this.#nodes.get(to) === app).map(([from]) => [from, id] as const),
    );
    return [...seen, ...likely];
  }

  /** Takes over what is there now; the result is the same for as long as the structure is. */
  update({ nodes, edges }: Topology): string {
    const ids = new Map(nodes.map((node) => [node.id, `${node.namespace}/${node.app}`]));
    const seen = [...this.#edges.values(), ...edges.map(({ from, to }) => [from, to] as const)];
    const kept = seen
      .filter(([from, to]) => ids.has(from) && ids.has(to))
      .map((edge) => [edge.join(">"), edge] as const);
    this.#nodes = new Map([...ids].toSorted(([a], [b]) => a.localeCompare(b)));
    this.#edges = new Map(kept.toSorted(([a], [b]) => a.localeCompare(b)));
    return [...this.#nodes.keys(), ...this.#edges.keys()].join("|");
  }
}

/** Columns from left to right in the direction of the requests, by ELK, loaded when the first picture is drawn. */
export async function layOut({ nodes, edges }: Structure): Promise<readonly Placed[]> {
  const { default: Elk } = await import("elkjs/lib/elk.bundled.js");
  const graph = await new Elk().layout({
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.layered.spacing.nodeNodeBetweenLayers": "124",
      "elk.spacing.nodeNode": "34",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    },
    children: nodes.map((id) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: edges.map(([from, to], index) => ({ id: `${index}`, sources: [from], targets: [to] })),
  });
  return (graph.children ?? []).map(({ id, x = 0, y = 0 }) => ({ id, x, y }));
}
