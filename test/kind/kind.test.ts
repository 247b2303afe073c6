import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Slipway } from "../e2e/support/slipway.ts";
import { canarySuite } from "../suites/canary.ts";
import { chaosSuite } from "../suites/chaos.ts";
import { kubectlSuite } from "../suites/kubectl.ts";
import { labsSuite } from "../suites/labs.ts";
import { workloadsSuite } from "../suites/workloads.ts";
import { containersOf, nodeProcesses } from "./containers.ts";
import { obstacle } from "./obstacle.ts";

const why = await obstacle();
if (why !== undefined) console.log(`kind is not tested here: ${why}`);

/** What real Kubernetes consists of, beside the mesh and the shop. */
const kubernetes = [
  { name: "the API server", command: /^kube-apiserver /, serves: false },
  { name: "the controllers", command: /^kube-controller-manager /, serves: false },
  { name: "etcd", command: /^etcd /, serves: false },
  { name: "the kubelet", command: /\/kubelet /, serves: false },
];

describe.runIf(why === undefined)("kind with one node", () => {
  let slipway: Slipway;
  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up", "--provider", "kind", "--cluster", "e2e-one"]);
  });
  afterAll(() => slipway?.dispose());

  canarySuite(() => slipway);
  kubectlSuite(() => slipway);
  workloadsSuite(() => slipway);
  labsSuite({
    ready: () => slipway,
    prove: false,
    enforcesNetworkPolicy: async () =>
      /kindnet|calico|cilium/.test(await slipway.kubectl("-n", "kube-system", "get", "daemonsets", "-o", "name")),
  });

  describe.runIf(process.getuid?.() === 0)("killed at random", () => {
    chaosSuite({ ready: () => slipway, roots: () => nodeProcesses("e2e-one"), more: kubernetes });
  });

  test("the gateway is reached through a port of loopback", async () => {
    const { shop, provider } = await slipway.status();
    expect(provider).toBe("kind");
    const answer = await fetch(`${shop}cart`);
    expect(answer.status).toBe(200);
  });

  test("an existing cluster: only what was installed goes again", async () => {
    const { kubeconfig } = await slipway.status();
    const context = (await slipway.kubectl("config", "current-context")).trim();
    await slipway.kubectl("create", "configmap", "mine", "-n", "default");
    const guest = await Slipway.create();
    try {
      const existing = ["--provider", "existing", "--kubeconfig", kubeconfig, "--kube-context", context];
      await guest.must(["up", ...existing]);
      await guest.must(["lab", "run", "canary", "--fast"]);
      await guest.must(["cluster", "delete", "existing"]);
    } finally {
      await guest.dispose();
    }
    const left = await slipway.kubectl("get", "namespaces", "-o", "name");
    expect(left).not.toMatch(/istio-system|shop|slipway-traffic/);
    expect(await slipway.kubectl("get", "mutatingwebhookconfigurations", "-o", "name")).not.toContain("istio");
    expect(await slipway.kubectl("get", "configmap", "mine", "-o", "name")).toContain("mine");
  });

  test("it goes on after a stop, and the mesh is put back", async () => {
    await slipway.must(["down"]);
    await slipway.must(["up"]);
    const status = await slipway.status();
    expect(status).toMatchObject({ phase: "ready", provider: "kind" });
    expect(await slipway.kubectl("get", "configmap", "mine", "-o", "name")).toContain("mine");
  });

  test("deleting leaves no container", async () => {
    await slipway.must(["cluster", "delete", "e2e-one"]);
    expect(await containersOf("e2e-one")).toEqual([]);
  });
});

describe.runIf(why === undefined)("kind with a control plane and workers in two zones", () => {
  let slipway: Slipway;
  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up", "--provider", "kind", "--cluster", "e2e-three", "--zones", "north-1,south-1"]);
  });
  afterAll(() => slipway?.dispose());

  test("nodes carry their zones", async () => {
    const zones = await slipway.kubectl("get", "nodes", "-L", "topology.kubernetes.io/zone", "--no-headers");
    expect(zones).toMatch(/north-1[\s\S]*south-1/);
  });

  canarySuite(() => slipway);
});
