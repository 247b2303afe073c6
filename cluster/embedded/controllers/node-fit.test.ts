import { expect, test } from "vitest";
import { fitsNode } from "./node-fit.ts";

const node = {
  apiVersion: "v1" as const,
  kind: "Node" as const,
  metadata: { name: "one", labels: { zone: "north", disk: "ssd" } },
  spec: { taints: [{ key: "special", value: "yes", effect: "NoSchedule" as const }] },
};
const tolerate = { tolerations: [{ key: "special", operator: "Exists" as const }] };
const affinity = (operator: "In" | "NotIn" | "Exists" | "DoesNotExist", ...values: string[]) => ({
  ...tolerate,
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator, values }] }],
      },
    },
  },
});

test.each([
  ["a taint that is not tolerated", {}, false],
  ["a tolerated taint", tolerate, true],
  ["a toleration of another value", { tolerations: [{ key: "special", value: "no" }] }, false],
  ["a toleration of everything", { tolerations: [{ operator: "Exists" as const }] }, true],
  ["a fitting selector", { ...tolerate, nodeSelector: { disk: "ssd" } }, true],
  ["another selector", { ...tolerate, nodeSelector: { disk: "hdd" } }, false],
  ["affinity In", affinity("In", "north"), true],
  ["affinity NotIn", affinity("NotIn", "north"), false],
  ["affinity Exists", affinity("Exists"), true],
  ["affinity DoesNotExist", affinity("DoesNotExist"), false],
])("%s", (_, spec, fits) => {
  expect(fitsNode(spec, node)).toBe(fits);
});

test("a cordoned node takes only pods of DaemonSets", () => {
  const cordoned = { ...node, spec: { unschedulable: true } };
  expect(fitsNode({}, cordoned)).toBe(false);
  expect(fitsNode({}, cordoned, { daemon: true })).toBe(true);
});
