import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { mergeKubeconfig, unmergeKubeconfig } from "./kubeconfig-merge.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-kubeconfig-"));
  await writeFile(
    join(folder, "ours"),
    "current-context: kind-slipway-lab\ncontexts: [{name: kind-slipway-lab, context: {cluster: a, user: b}}]\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: b, user: {token: t}}]\n",
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const own =
  "# mine\napiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts:\n  - name: prod # careful\n    context: {cluster: prod, user: me}\nclusters: []\nusers: null\n";

test("what people have stays, with its comments and its current context", async () => {
  const [ours, theirs] = [join(folder, "ours"), join(folder, "config")];
  await writeFile(theirs, own);
  await mergeKubeconfig(ours, theirs, "slipway-lab");
  await mergeKubeconfig(ours, theirs, "slipway-lab");
  const text = await readFile(theirs, "utf8");
  expect(text).toContain("# mine");
  expect(text).toContain("# careful");
  expect(parse(text)).toEqual({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "prod",
    contexts: [
      { name: "prod", context: { cluster: "prod", user: "me" } },
      { name: "slipway-lab", context: { cluster: "slipway-lab", user: "slipway-lab" } },
    ],
    clusters: [{ name: "slipway-lab", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "slipway-lab", user: { token: "t" } }],
  });
  await unmergeKubeconfig(theirs, "slipway-lab");
  expect(parse(await readFile(theirs, "utf8"))).toMatchObject({
    contexts: [{ name: "prod" }],
    clusters: [],
    users: [],
  });
});

test("where there was none, one is made that only its owner may read", async () => {
  const target = join(folder, "new/config");
  await mergeKubeconfig(join(folder, "ours"), target, "slipway-lab");
  expect(parse(await readFile(target, "utf8"))["current-context"]).toBe("slipway-lab");
  expect((await stat(target)).mode & 0o777).toBe(0o600);
});

test("a file that is none is left alone", async () => {
  const target = join(folder, "config");
  await writeFile(target, "hello: [");
  await expect(mergeKubeconfig(join(folder, "ours"), target, "slipway-lab")).rejects.toThrow(/no kubeconfig/);
  expect(await readFile(target, "utf8")).toBe("hello: [");
});
