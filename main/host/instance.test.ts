import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimInstance, findInstance } from "./instance.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "instance-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("one process holds the folder; another is told which", async () => {
  const claimed = await claimInstance(folder);
  await claimed.publish("http://127.0.0.1:1/");
  expect(await findInstance(folder)).toMatchObject({ pid: process.pid, url: "http://127.0.0.1:1/" });
  await expect(claimInstance(folder)).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
  await claimed.release();
  expect(await findInstance(folder)).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ["of a process that is gone", JSON.stringify({ pid: 4_000_000, processStart: "1", startedAt: 1, token: "x" })],
  [
    "of another process with the same id",
    JSON.stringify({ pid: process.pid, processStart: "1", startedAt: 1, token: "x" }),
  ],
  ["that is not readable", "{"],
])("a file %s is replaced", async (_, content) => {
  await writeFile(join(folder, "host.json"), content);
  expect(await findInstance(folder)).toBeUndefined();
  const claimed = await claimInstance(folder);
  expect(await findInstance(folder)).toMatchObject({ pid: process.pid });
  await claimed.release();
});
