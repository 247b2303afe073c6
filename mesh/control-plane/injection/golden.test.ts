import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import jsonpatch, { type Operation } from "fast-json-patch";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { PodDraft } from "./pod.ts";
import { defaultSettings, type InjectionSettings } from "./settings.ts";
import { injectionPatch } from "./webhook.ts";

interface Input {
  readonly namespace: string;
  readonly settings: Partial<InjectionSettings>;
  readonly pod: PodDraft;
}

const folder = join(import.meta.dirname, "testdata");
const cases = readdirSync(folder)
  .filter((file) => file.endsWith(".in.yaml"))
  .map((file) => file.replace(".in.yaml", ""));

/** Pods before and after; `npm run golden` writes what comes out. */
describe("injection of", () => {
  test.each(cases)("%s", (name) => {
    const input = parse(readFileSync(join(folder, `${name}.in.yaml`), "utf8")) as Input;
    const settings = { ...defaultSettings, ...input.settings };
    const patch = injectionPatch(input.pod, { namespace: input.namespace, settings });
    if (patch.kind === "skipped") throw new Error(patch.reason);
    const operations = structuredClone(patch.operations) as Operation[];
    const { newDocument } = jsonpatch.applyPatch(structuredClone(input.pod), operations, true);
    const out = stringify(newDocument, { lineWidth: 0, aliasDuplicateObjects: false });
    const file = join(folder, `${name}.out.yaml`);
    if (process.env.GOLDEN === "write") writeFileSync(file, out);
    expect(out).toBe(readFileSync(file, "utf8"));
    expect(injectionPatch(newDocument, { namespace: input.namespace, settings })).toEqual({
      kind: "skipped",
      reason: "the pod has a proxy already",
    });
  });
});
