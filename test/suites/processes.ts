import { readdir, readFile } from "node:fs/promises";

export interface FoundProcess {
  readonly pid: number;
  /** With its arguments. */
  readonly command: string;
}

/** All processes of this machine that descend from one of the roots, themselves included. */
export async function processesBelow(roots: readonly number[]): Promise<readonly FoundProcess[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir("/proc")) {
    const stat = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "") : "";
    if (stat !== "") parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (roots.includes(pid) || descends(parents.get(pid)));
  const found = [...parents.keys()].filter(descends);
  return Promise.all(
    found.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return { pid, command: text.replaceAll("\0", " ").trim() };
    }),
  );
}
