import { expect, test } from "vitest";
import { loadBalancingOf } from "./load-balancing.ts";
import { localityOf } from "./locality.ts";

const nodes = new Map([
  ["a", { region: "eu", zone: "eu-1", subzone: "rack-1" }],
  ["bare", { region: "", zone: "", subzone: "" }],
]);

test.each<[string, Record<string, string>, string, string | undefined]>([
  ["as its node", {}, "a", "eu eu-1 rack-1"],
  ["on a node without labels", {}, "bare", undefined],
  ["on no node that is known", {}, "gone", undefined],
  ["as its label says", { "istio-locality": "us.us-2.r7" }, "a", "us us-2 r7"],
  ["by slashes, which zones with dots need", { "istio-locality": "us/us.2" }, "a", "us us.2 "],
  ["an empty label says nothing", { "istio-locality": "" }, "a", "eu eu-1 rack-1"],
])("a workload is where it is: %s", (_, labels, node, expected) => {
  const found = localityOf({ labels, node }, nodes);
  expect(found && `${found.region} ${found.zone} ${found.subzone}`).toBe(expected);
});

const [REGION, ZONE, SUBZONE, NODE, NETWORK] = [1, 2, 3, 4, 6];
const [UNSPECIFIED, STRICT, FAILOVER, PASSTHROUGH] = [0, 1, 2, 3];
const alike = { distribution: "any", publishesNotReady: false, resolution: "static" } as const;

test.each([
  ["all alike", {}, undefined],
  ["near", { distribution: "same-zone" }, [[NETWORK, REGION, ZONE], FAILOVER, 0]],
  ["nearer", { distribution: "same-node" }, [[NETWORK, REGION, ZONE, SUBZONE, NODE], FAILOVER, 0]],
  ["its own node's only", { distribution: "only-node" }, [[NODE], STRICT, 0]],
  ["ready or not", { publishesNotReady: true }, [[], UNSPECIFIED, 1]],
  [
    "near, ready or not",
    { publishesNotReady: true, distribution: "same-zone" },
    [[NETWORK, REGION, ZONE], FAILOVER, 1],
  ],
  ["as dialled", { resolution: "none", distribution: "same-zone" }, [[], PASSTHROUGH, 0]],
] as const)("a service's clients get its endpoints: %s", (_, wishes, expected) => {
  const found = loadBalancingOf({ ...alike, ...wishes });
  expect(found && [found.routingPreference, found.mode, found.healthPolicy]).toEqual(expected);
});
