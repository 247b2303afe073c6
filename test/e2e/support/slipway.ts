import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SlipwayUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A Slipway of its own, with its own state folder: the product as a person has it, driven by its command line. */
export class Slipway {
  readonly state: string;
  readonly #user: SlipwayUser | undefined;

  private constructor(state: string, user: SlipwayUser | undefined) {
    this.state = state;
    this.#user = user;
  }

  static async create(user?: SlipwayUser): Promise<Slipway> {
    const state = await mkdtemp(join(tmpdir(), "slipway-e2e-"));
    if (user !== undefined) await chown(state, user.uid, user.gid);
    return new Slipway(state, user);
  }

  get env(): NodeJS.ProcessEnv {
    const { PATH, LANG, DOCKER_HOST, DOCKER_CONTEXT } = process.env;
    const home = this.#user === undefined ? process.env.HOME : this.state;
    return {
      PATH,
      LANG,
      HOME: home,
      SLIPWAY_STATE: this.state,
      ...(DOCKER_HOST && { DOCKER_HOST }),
      ...(DOCKER_CONTEXT && { DOCKER_CONTEXT }),
      ...(this.#user && { USER: this.#user.name, LOGNAME: this.#user.name }),
    };
  }

  /** Runs `slipway …` to its end. */
  run(args: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<Run> {
    const identity = this.#user === undefined ? {} : { uid: this.#user.uid, gid: this.#user.gid };
    const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...args], {
      env: this.env,
      cwd: this.state,
      ...identity,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (stdout += data));
    child.stderr.on("data", (data: Buffer) => (stderr += data));
    const timer = setTimeout(() => child.kill("SIGTERM"), options.timeoutMs ?? 240_000);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? -1, stdout, stderr });
      });
    });
  }

  /** Like run, but a failure is the test's failure, with everything that helps to understand it. */
  async must(args: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code === 0) return stdout;
    throw new Error(`slipway ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}\n${await this.logs()}`);
  }

  async status(): Promise<SlipwayStatus> {
    const { stdout } = await this.run(["status", "-o", "json"]);
    return JSON.parse(stdout) as SlipwayStatus;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.must(["kubectl", ...args]);
  }

  /** The ends of the logs that this Slipway wrote. */
  async logs(): Promise<string> {
    const files = ["host.log", "clusters/default/cluster.log"];
    const texts = await Promise.all(
      files.map(
        async (file) => `--- ${file}\n${(await readFile(join(this.state, file), "utf8").catch(() => "")).slice(-4000)}`,
      ),
    );
    return texts.join("\n");
  }

  /** Stops it and removes its state. */
  async dispose(): Promise<void> {
    await this.run(["down", "--delete"], { timeoutMs: 120_000 });
    await rm(this.state, { recursive: true, force: true });
  }
}

export interface SlipwayStatus {
  readonly running: boolean;
  readonly phase: string;
  readonly provider: string;
  readonly kubeconfig: string;
  readonly interface: string;
  readonly shop: string | undefined;
  readonly processes: { readonly host: number; readonly cluster: number | undefined };
  readonly memoryBytes: number | undefined;
  readonly pods: { readonly ready: number; readonly total: number } | undefined;
  readonly mesh: { readonly synced: number; readonly proxies: number };
}

/** What a Slipway put on this machine, to look for after it has ended. */
export interface Traces {
  readonly processes: readonly number[];
  /** Network namespaces. */
  readonly namespaces: readonly string[];
}

/** Processes that descend from a process, and the network namespaces that they are in. */
export async function tracesOf(host: number): Promise<Traces> {
  const parents = new Map<number, number>();
  for (const entry of await readdir("/proc")) {
    const stat = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "") : "";
    if (stat !== "") parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === host || descends(parents.get(pid)));
  const processes = [...parents.keys()].filter(descends);
  const own = await readlink("/proc/self/ns/net");
  const found = await Promise.all(processes.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => own)));
  return { processes, namespaces: [...new Set(found)].filter((namespace) => namespace !== own) };
}

/** What is left of it: processes that live, namespaces that somebody is in, mounts below its folder. */
export async function leftOf(traces: Traces, folder: string): Promise<readonly string[]> {
  const output = (program: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve) => execFile(program, [...args], (_, stdout) => resolve(stdout)));
  const alive = traces.processes.filter((pid) => existsSync(`/proc/${pid}`)).map((pid) => `process ${pid}`);
  const known = new Set((await output("lsns", ["-t", "net", "-n", "-o", "NS"])).split("\n").map((line) => line.trim()));
  const namespaces = traces.namespaces.filter((text) => known.has(/\d+/.exec(text)?.[0] ?? ""));
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(folder));
  const running = (await output("ps", ["-eo", "args"])).split("\n").filter((line) => line.includes(folder));
  return [...alive, ...namespaces, ...mounts, ...running];
}

/** An ordinary user of this machine to run as, made if need be. Undefined when the tests themselves have no right to switch users. */
export async function ordinaryUser(): Promise<SlipwayUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const name = "slipway-tester";
  const run = (program: string, args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> =>
    new Promise((resolve) =>
      execFile(program, [...args], (error, stdout) => resolve({ code: error === null ? 0 : 1, stdout })),
    );
  if ((await run("id", ["-u", name])).code !== 0) await run("useradd", ["--create-home", "--shell", "/bin/bash", name]);
  const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
