import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { inspectLab, readLabs } from "./lab-folder.ts";

const shipped = join(import.meta.dirname, "../../../lab-scenarios");
const folders: string[] = [];

async function copyWith(change: (yaml: string) => string, file = "lab.yaml"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lab-"));
  folders.push(folder);
  await cp(join(shipped, "canary"), folder, { recursive: true });
  await writeFile(join(folder, file), change(await readFile(join(folder, file), "utf8")));
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

test("every shipped lab is valid, in order, with texts in each of its languages", async () => {
  const labs = await readLabs(shipped);
  expect(labs.map((lab) => lab.definition.id)).toContain("canary");
  for (const lab of labs)
    for (const [, texts] of lab.texts) {
      expect(texts.title).not.toBe("");
      expect(texts.summary).not.toBe("");
      for (const step of texts.steps.values()) expect(step.hints.length).toBeGreaterThan(0);
    }
});

describe("problems name file and line", () => {
  test.each([
    ["an unknown field", (yaml: string) => yaml.replace("minutes: 20", "minuts: 20"), { line: 1, message: /minuts/ }],
    ["a wrong type", (yaml: string) => yaml.replace("minutes: 20", "minutes: long"), { line: 3, field: "minutes" }],
    ["no YAML", (yaml: string) => yaml.replace("steps:", "steps: ["), {}],
    [
      "a missing manifest",
      (yaml: string) => yaml.replace("manifests/rollback.yaml", "manifests/none.yaml"),
      { file: "manifests/none.yaml" },
    ],
    [
      "a path that leaves the folder",
      (yaml: string) => yaml.replace("manifests/rollback.yaml", "../rollback.yaml"),
      { message: /inside/ },
    ],
    [
      "a sample too small",
      (yaml: string) => yaml.replace("sample: 1000", "sample: 100"),
      { message: /cannot tell a share of 0.1 from/ },
    ],
    [
      "a check without text",
      (yaml: string) => yaml.replace("id: v2-ready", "id: v2-there"),
      { file: "en/dark.md", message: /v2-there/ },
    ],
  ])("%s", async (_, change, expected) => {
    const { problems } = await inspectLab(await copyWith(change));
    expect(problems.length).toBeGreaterThan(0);
    const { message, ...rest } = expected as { message?: RegExp };
    expect(problems[0]).toMatchObject({ severity: "error", code: "LAB_INVALID", ...rest });
    if (message) expect(problems.map((problem) => problem.message).join("\n")).toMatch(message);
  });
});
