import { expect, test } from "vitest";
import { parseKindLine } from "./kind-output.ts";

test.each([
  [
    " • Ensuring node image (kindest/node:v1.36.3) 🖼  ...",
    { step: "Ensuring node image (kindest/node:v1.36.3)", state: "running" },
  ],
  [" ✓ Preparing nodes 📦 📦 📦 ", { step: "Preparing nodes", state: "done" }],
  [" ✗ Starting control-plane 🕹️ ", { step: "Starting control-plane", state: "failed" }],
  ["ERROR: failed to create cluster", undefined],
  ['Creating cluster "lab" ...', undefined],
])("%s", (line, expected) => {
  expect(parseKindLine(line)).toEqual(expected);
});
