import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { kindConfiguration } from "./configuration.ts";

const plain = { zones: [], ports: [], kubelet: {}, patch: undefined };

test("one node, with the gateway on free ports of loopback", () => {
  expect(parse(kindConfiguration(plain))).toEqual({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    nodes: [
      {
        role: "control-plane",
        extraPortMappings: [
          { containerPort: 30080, hostPort: 0, listenAddress: "127.0.0.1", protocol: "TCP" },
          { containerPort: 30443, hostPort: 0, listenAddress: "127.0.0.1", protocol: "TCP" },
        ],
      },
    ],
  });
});

test("a worker in each zone, named as clouds name regions and zones", () => {
  const { nodes } = parse(kindConfiguration({ ...plain, zones: ["north-1", "home"] }));
  expect(nodes.slice(1)).toEqual([
    { role: "worker", labels: { "topology.kubernetes.io/region": "north", "topology.kubernetes.io/zone": "north-1" } },
    { role: "worker", labels: { "topology.kubernetes.io/region": "home", "topology.kubernetes.io/zone": "home" } },
  ]);
});

test("more ports and the kubelet's settings", () => {
  const options = { ...plain, ports: [{ host: 8080, node: 31_000 }], kubelet: { failCgroupV1: false } };
  const { nodes, kubeadmConfigPatches } = parse(kindConfiguration(options));
  expect(nodes[0].extraPortMappings[2]).toMatchObject({ hostPort: 8080, containerPort: 31_000 });
  expect(parse(kubeadmConfigPatches[0])).toMatchObject({ kind: "KubeletConfiguration", failCgroupV1: false });
});

describe("a patch", () => {
  test("adds to lists, lays nodes over nodes, and wins over our fields", () => {
    const patch =
      "networking: {ipFamily: dual}\nkubeadmConfigPatches: [one]\nnodes:\n- role: control-plane\n  image: mine\n  extraPortMappings: [{containerPort: 1}]\n- role: worker\n";
    const made = parse(kindConfiguration({ ...plain, kubelet: { failCgroupV1: false }, patch }));
    expect(made.networking).toEqual({ ipFamily: "dual" });
    expect(made.kubeadmConfigPatches).toHaveLength(2);
    expect(made.nodes).toHaveLength(2);
    expect(made.nodes[0]).toMatchObject({ role: "control-plane", image: "mine" });
    expect(made.nodes[0].extraPortMappings).toHaveLength(3);
  });

  test.each([
    ["text", "hello"],
    ["another kind", "kind: Pod"],
    ["another version", "apiVersion: kind.x-k8s.io/v1alpha3"],
    ["broken YAML", "nodes: [\n"],
  ])("of %s is refused", (_, patch) => {
    expect(() => kindConfiguration({ ...plain, patch })).toThrow(/kind configuration/);
  });
});
