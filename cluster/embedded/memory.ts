import { readdir, readFile } from "node:fs/promises";

/**
 * Proportional set size of a process and all its descendants, in bytes: pages that several share (the program's text) are divided
 * among them, so that the sum is what the machine really gives. Undefined where /proc does not tell.
 */
export async function memoryOfTree(root: number): Promise<number | undefined> {
  const entries = await readdir("/proc").catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const)));
  if (!parents.has(root)) return undefined;
  const isInside = (pid: number): boolean => {
    for (let current: number | undefined = pid; current !== undefined && current > 1; current = parents.get(current))
      if (current === root) return true;
    return false;
  };
  const sizes = await Promise.all(pids.filter(isInside).map(sizeOf));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.length > 1 ? Number(fields[1]) : undefined;
}

async function sizeOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
}
