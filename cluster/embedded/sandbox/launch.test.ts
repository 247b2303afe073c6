import { readdir, readFile, readlink } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { startTestCluster, TEST_IMAGE, type TestCluster } from "../node/fixtures/test-cluster.ts";
import { checkSandbox } from "./preflight.ts";

const possible = await checkSandbox().then(
  () => true,
  (error: Error) => {
    console.warn(`the sandbox's tests need namespaces: ${error.message}`);
    return false;
  },
);

/** Network namespaces that any process on this machine is in, by process. */
async function namespacesInUse(): Promise<ReadonlyMap<number, string>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const links = await Promise.all(
    pids.map(async (pid) => [pid, await readlink(`/proc/${pid}/ns/net`).catch(() => undefined)] as const),
  );
  return new Map(links.flatMap(([pid, link]) => (link === undefined ? [] : [[pid, link] as const])));
}

async function descendants(root: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${root}/task/${root}/children`, "utf8").catch(() => "");
  const children = text.trim().split(/\s+/).filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

async function populated(): Promise<TestCluster> {
  const cluster = await startTestCluster();
  const script = "(setsid sleep 1000 &) ; sleep 1000";
  await cluster.pod("busy", { containers: [{ name: "main", image: TEST_IMAGE, command: ["sh", "-c", script] }] });
  await cluster.until("busy", (pod) => pod.status?.phase === "Running");
  // The program, bubblewrap twice, sh and both sleeps.
  await expect
    .poll(async () => (await descendants(cluster.sandbox.pid)).length, { timeout: 5000 })
    .toBeGreaterThanOrEqual(6);
  return cluster;
}

describe.runIf(possible)("a sandbox", () => {
  it.each([
    ["its outer process is killed", (cluster: TestCluster) => process.kill(cluster.sandbox.pid, "SIGKILL")],
    [
      "its first process is killed",
      async (cluster: TestCluster) => process.kill((await descendants(cluster.sandbox.pid))[0] ?? 0, "SIGKILL"),
    ],
    ["the channel to its parent closes", (cluster: TestCluster) => cluster.sandbox.process.disconnect()],
  ])("leaves nothing behind when %s", async (_, end) => {
    const cluster = await populated();
    const pids = await descendants(cluster.sandbox.pid);
    const own = await readlink("/proc/self/ns/net");
    const used = await namespacesInUse();
    const namespaces = new Set(pids.flatMap((pid) => used.get(pid) ?? []));
    expect(namespaces.size).toBe(2);
    expect(namespaces).not.toContain(own);
    await end(cluster);
    await cluster.sandbox.exited;
    const left = async (): Promise<number[]> =>
      [...(await namespacesInUse())]
        .filter(([pid, link]) => pids.includes(pid) || namespaces.has(link))
        .map(([pid]) => pid);
    await expect.poll(left, { timeout: 5000 }).toEqual([]);
    await cluster.close();
  });
});
