import { describe, expect, it } from "vitest";
import { ConfigStore } from "../ingest/store.ts";
import { nodeAuthorizer } from "./node-authorizer.ts";

const pods: readonly (readonly [name: string, namespace: string, node: string, hostNetwork?: boolean])[] = [
  ["ztunnel", "istio-system", "node-1"],
  ["cart", "shop", "node-1"],
  ["ledger", "shop", "node-2"],
  ["agent", "shop", "node-1", true],
];

function snapshot() {
  const store = new ConfigStore();
  for (const [name, namespace, nodeName, hostNetwork = false] of pods) {
    store.put({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: { nodeName, hostNetwork, serviceAccountName: name },
      status: { podIP: "10.244.0.7" },
    } as Parameters<ConfigStore["put"]>[0]);
  }
  return store.build();
}

const ztunnel = { namespace: "istio-system", serviceAccount: "ztunnel" };
const cart = "spiffe://cluster.local/ns/shop/sa/cart";

describe("a node's proxy asks for another's certificate", () => {
  const known = snapshot();
  const decide = nodeAuthorizer({
    trusted: [ztunnel],
    trustDomains: () => ["cluster.local"],
    snapshot: () => known,
  });

  it("gets it for a pod beside it", () => {
    expect(decide({ ...ztunnel, pod: "ztunnel" }, cart)).toEqual({
      allowed: true,
      identity: { namespace: "shop", serviceAccount: "cart" },
    });
  });

  it.each([
    ["another account", { namespace: "shop", serviceAccount: "cart", pod: "cart" }, cart, "may not ask"],
    ["the same account name elsewhere", { ...ztunnel, namespace: "shop", pod: "ztunnel" }, cart, "may not ask"],
    ["a token that is bound to no pod", ztunnel, cart, "bound to no pod"],
    ["a token of a pod that is gone", { ...ztunnel, pod: "ztunnel-0" }, cart, "not known"],
    ["a pod of another node", { ...ztunnel, pod: "ztunnel" }, "spiffe://cluster.local/ns/shop/sa/ledger", "node-1"],
    [
      "a pod on the node's network",
      { ...ztunnel, pod: "ztunnel" },
      "spiffe://cluster.local/ns/shop/sa/agent",
      "no pod",
    ],
    ["another trust domain", { ...ztunnel, pod: "ztunnel" }, "spiffe://other/ns/shop/sa/cart", "no identity"],
    ["text that is no identity", { ...ztunnel, pod: "ztunnel" }, "cart", "no identity"],
  ])("is refused: %s", (_what, caller, wanted, reason) => {
    expect(decide(caller, wanted)).toEqual({ allowed: false, reason: expect.stringContaining(reason) });
  });

  it("is refused before the control plane knows any pod", () => {
    const early = nodeAuthorizer({
      trusted: [ztunnel],
      trustDomains: () => ["cluster.local"],
      snapshot: () => undefined,
    });
    expect(early({ ...ztunnel, pod: "ztunnel" }, cart).allowed).toBe(false);
  });
});
