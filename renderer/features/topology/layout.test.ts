import { expect, test } from "vitest";
import type { Topology } from "#api/rpc/telemetry.ts";
import { layOut, Structure } from "./layout.ts";

function topology(nodes: readonly string[], edges: readonly (readonly [string, string])[]): Topology {
  return {
    windowSeconds: 5,
    nodes: nodes.map((id) => ({
      id,
      namespace: "shop",
      workload: id,
      app: id.split("-")[0] ?? id,
      version: "v1",
      role: "workload",
      pods: { ready: 1, total: 1 },
    })),
    edges: edges.map(([from, to]) => ({
      from,
      to,
      protocol: "http",
      requestsPerSecond: 1,
      errorShare: 0,
      p50Ms: 1,
      p99Ms: 1,
      mutualTlsShare: 1,
      flags: {},
    })),
  };
}

test("traffic that pauses does not change the structure, a workload that goes does", () => {
  const structure = new Structure();
  const busy = structure.update(topology(["a", "b", "c"], [["a", "b"]]));
  expect(structure.update(topology(["b", "a", "c"], []))).toBe(busy);
  const grown = structure.update(topology(["a", "b", "c"], [["a", "c"]]));
  expect(grown).not.toBe(busy);
  structure.update(topology(["a", "c"], []));
  expect(structure.edges).toEqual([["a", "c"]]);
});

test("columns follow the direction of the requests", async () => {
  const structure = new Structure();
  structure.update(
    topology(
      ["a", "b", "c"],
      [
        ["c", "b"],
        ["b", "a"],
      ],
    ),
  );
  const x = Object.fromEntries((await layOut(structure)).map((place) => [place.id, place.x]));
  expect(x.c).toBeLessThan(x.b ?? 0);
  expect(x.b).toBeLessThan(x.a ?? 0);
});

test("a version that nobody calls yet stands beside its siblings", async () => {
  const structure = new Structure();
  structure.update(topology(["gateway", "cart-v1", "cart-v2"], [["gateway", "cart-v1"]]));
  const x = Object.fromEntries((await layOut(structure)).map((place) => [place.id, place.x]));
  expect(x["cart-v2"]).toBe(x["cart-v1"]);
});
