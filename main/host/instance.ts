import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "#api/errors.ts";

const instanceFile = z.object({
  pid: z.number().int(),
  /** Tells the process from a later one with the same id. */
  processStart: z.string(),
  startedAt: z.number(),
  /** Undefined until the interface is served. */
  url: z.string().optional(),
  token: z.string(),
});

/** The running host as other programs of the same user find it. */
export type HostInstance = z.infer<typeof instanceFile>;

/** Where everything lies that Slipway keeps: SLIPWAY_STATE, else the XDG state folder. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SLIPWAY_STATE) return env.SLIPWAY_STATE;
  return join(env.XDG_STATE_HOME || join(homedir(), ".local/state"), "slipway");
}

/** The host that runs for this state folder, if one does. */
export async function findInstance(folder: string): Promise<HostInstance | undefined> {
  const instance = await read(folder);
  return instance !== undefined && (await processStart(instance.pid)) === instance.processStart ? instance : undefined;
}

/**
 * Claims the state folder for this process. The file is put in place by a hard link, which fails if another was quicker; a file
 * that a killed host left behind is replaced. Throws ALREADY_RUNNING.
 */
export async function claimInstance(folder: string): Promise<ClaimedInstance> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const instance: HostInstance = {
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? "",
    startedAt: Date.now(),
    token: randomBytes(24).toString("base64url"),
  };
  const own = join(folder, `host.${process.pid}.json`);
  await writeFile(own, JSON.stringify(instance), { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(own, filePath(folder));
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        const other = await findInstance(folder);
        if (other !== undefined) {
          throw new AppError("ALREADY_RUNNING", `Slipway already runs for ${folder} (process ${other.pid})`, {
            hint: "Use `slipway status` to see it, `slipway down` to stop it, or set SLIPWAY_STATE to keep a second one elsewhere.",
          });
        }
        await rm(filePath(folder), { force: true });
      }
    }
  } finally {
    await unlink(own);
  }
  return new ClaimedInstance(folder, instance);
}

export class ClaimedInstance {
  readonly #folder: string;
  #instance: HostInstance;

  constructor(folder: string, instance: HostInstance) {
    this.#folder = folder;
    this.#instance = instance;
  }

  get token(): string {
    return this.#instance.token;
  }

  /** Tells other programs where the interface is. */
  async publish(url: string): Promise<void> {
    this.#instance = { ...this.#instance, url };
    const path = filePath(this.#folder);
    await writeFile(`${path}.new`, JSON.stringify(this.#instance), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  release(): Promise<void> {
    return rm(filePath(this.#folder), { force: true });
  }
}

const filePath = (folder: string): string => join(folder, "host.json");

async function read(folder: string): Promise<HostInstance | undefined> {
  try {
    return instanceFile.parse(JSON.parse(await readFile(filePath(folder), "utf8")));
  } catch {
    return undefined;
  }
}

/** When a process started, in clock ticks since boot (proc(5), field 22 of stat); undefined if there is none. */
async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return isAlive(pid) ? "alive" : undefined;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
