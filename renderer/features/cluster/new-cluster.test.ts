import { expect, test } from "vitest";
import { clusterDefinitionSchema } from "#api/cluster-definition.ts";
import { definitionOf, emptyCluster, type NewCluster, obstacleTo } from "./new-cluster.ts";

test.each<[string, Partial<NewCluster>, object]>([
  ["kind with one node", {}, { provider: "kind", zones: [] }],
  ["kind with three", { nodes: 3 }, { zones: ["local-1", "local-2"] }],
  ["embedded with two", { provider: "embedded", nodes: 2 }, { provider: "embedded", zones: ["local-1", "local-2"] }],
  [
    "kind with everything",
    { kubernetesVersion: "1.36.3", ports: "8080:30080 8443:30443", memoryMb: "4000", cpus: "2", configPatch: "a: b" },
    {
      kind: {
        kubernetesVersion: "1.36.3",
        ports: [
          { host: 8080, node: 30_080 },
          { host: 8443, node: 30_443 },
        ],
        limits: { memoryMb: 4000, cpus: 2 },
        configPatch: "a: b",
      },
    },
  ],
  [
    "an existing one",
    { provider: "existing", context: "prod", takeOver: true, nodes: 3 },
    { provider: "existing", zones: [], existing: { context: "prod", takeOver: true } },
  ],
])("%s becomes a definition that the host takes", (_, change, expected) => {
  const cluster = { ...emptyCluster, name: "lab", ...change };
  expect(obstacleTo(cluster)).toBeUndefined();
  const definition = definitionOf(cluster);
  expect(clusterDefinitionSchema.parse(definition)).toEqual({ name: "lab", provider: "kind", zones: [], ...expected });
});

test.each<[Partial<NewCluster>, RegExp]>([
  [{ name: "Not good" }, /name/],
  [{ provider: "existing" }, /context/],
  [{ ports: "8080" }, /Ports/],
  [{ kubernetesVersion: "latest" }, /version/],
])("%j is in the way", (change, why) => {
  expect(obstacleTo({ ...emptyCluster, name: "lab", ...change })).toMatch(why);
});
