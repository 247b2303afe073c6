import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
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

interface Host {
  readonly process: ChildProcess;
  /** Process id of the sandbox. */
  readonly pid: number;
  readonly folder: string;
}

async function startHost(): Promise<Host> {
  const child = fork(join(dirname(fileURLToPath(import.meta.url)), "fixtures", "host.ts"));
  const [{ pid, folder }] = (await once(child, "message")) as [{ pid: number; folder: string }];
  // The cluster's program, bubblewrap twice, sh and both sleeps.
  await expect.poll(async () => (await descendants(pid)).length, { timeout: 5000 }).toBeGreaterThanOrEqual(6);
  return { process: child, pid, folder };
}

const firstProcess = async (host: Host): Promise<number> => (await descendants(host.pid))[0] ?? 0;

describe.runIf(possible)("a sandbox", () => {
  it.each<[string, (host: Host) => unknown]>([
    ["the host is killed", (host) => host.process.kill("SIGKILL")],
    ["its outer process is killed", (host) => process.kill(host.pid, "SIGKILL")],
    ["its first process is killed", async (host) => process.kill(await firstProcess(host), "SIGKILL")],
    ["the channel to the host closes", (host) => host.process.send("disconnect")],
  ])("leaves nothing behind when %s", async (_, end) => {
    const host = await startHost();
    try {
      const pids = [host.pid, ...(await descendants(host.pid))];
      const used = await namespacesInUse();
      const namespaces = new Set(pids.slice(1).flatMap((pid) => used.get(pid) ?? []));
      expect(namespaces.size).toBe(2);
      expect(namespaces).not.toContain(await readlink("/proc/self/ns/net"));
      await end(host);
      // Mounts, links and rules live in the namespaces, and those only as long as a process or a file of them does.
      const left = async (): Promise<number[]> =>
        [...(await namespacesInUse())]
          .filter(([pid, link]) => pids.includes(pid) || namespaces.has(link))
          .map(([pid]) => pid);
      await expect.poll(left, { timeout: 5000 }).toEqual([]);
    } finally {
      host.process.kill("SIGKILL");
      await rm(host.folder, { recursive: true, force: true });
    }
  });
});
