import { describe, expect, it } from "vitest";
import type { Pod } from "../node/kinds.ts";
import { surgeStep } from "./daemon-set.ts";

/** "old" or "new", with "!" where it is not ready, "x" where it is being deleted. */
function pod(node: number, text: string): Pod {
  const ready = !text.includes("!");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${node}-${text}`,
      labels: { age: text.slice(0, 3) },
      ...(text.includes("x") && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: { nodeName: String(node), containers: [] },
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  } as Pod;
}

const isOutdated = ({ metadata }: Pod): boolean =>
  metadata.labels?.age === "old" && metadata.deletionTimestamp === undefined;

describe("a DaemonSet that is replaced with a surge of one", () => {
  it.each<[string, readonly (readonly string[])[], readonly string[], readonly string[]]>([
    ["nothing to do", [["new"], ["new"]], [], []],
    ["one node after the other", [["old"], ["old"]], ["0-old"], []],
    ["waits for the new pod", [["old", "new!"], ["old"]], [], []],
    ["ends the old one when the new one is ready, and goes on", [["old", "new"], ["old"]], ["1-old"], ["0-old"]],
    ["does not wait for what does not work anyway", [["old!", "new!"]], [], ["0-old!"]],
    ["an old one that ends already", [["oldx", "new"]], [], []],
  ])("%s", (_, nodes, begin, end) => {
    const step = surgeStep(
      nodes.map((texts, node) => texts.map((text) => pod(node, text))),
      { isOutdated, surge: 1 },
    );
    expect(step.begin.map(({ metadata }) => metadata.name)).toEqual(begin);
    expect(step.end.map(({ metadata }) => metadata.name)).toEqual(end);
  });
});
