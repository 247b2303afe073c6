import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";

/** A network namespace that lives as long as one process, with everything that was started in it. */
export class NetworkNamespace {
  readonly #anchor: ChildProcess;
  readonly #children = new Set<ChildProcess>();

  private constructor(anchor: ChildProcess) {
    this.#anchor = anchor;
  }

  /** Makes the namespace and runs commands in it that set it up. */
  static async create(setup: readonly string[]): Promise<NetworkNamespace> {
    const script = ["set -e", "ip link set lo up", ...setup, "echo ready", "exec sleep infinity"].join("\n");
    const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const anchor = spawn("unshare", ["--net", "--mount", ...user, "sh", "-c", script], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    anchor.stderr?.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const failed = once(anchor, "exit").then(() => {
      throw new Error(`the network namespace could not be set up: ${errors}`);
    });
    failed.catch(() => {});
    await Promise.race([once(anchor.stdout!, "data"), failed]);
    return new NetworkNamespace(anchor);
  }

  #enter(command: readonly string[]): readonly [string, readonly string[]] {
    const user = process.getuid?.() === 0 ? [] : ["--user", "--preserve-credentials"];
    return ["nsenter", ["--target", String(this.#anchor.pid), "--net", ...user, ...command]];
  }

  /** Starts a program in the namespace; it ends with it. What it prints goes to a file: Envoy opens its /dev/stdout anew. */
  start(command: readonly string[], logFile: string): void {
    const [program, args] = this.#enter(command);
    const log = openSync(logFile, "a");
    this.#children.add(spawn(program, args, { stdio: ["ignore", log, log] }));
    closeSync(log);
  }

  /** Runs a program to its end, with this to read, and gives what it printed. */
  run(command: readonly string[], input = ""): string {
    const [program, args] = this.#enter(command);
    return execFileSync(program, args, { encoding: "utf8", timeout: 60_000, input });
  }

  async close(): Promise<void> {
    const running = [...this.#children, this.#anchor].filter(
      (child) => child.exitCode === null && child.signalCode === null,
    );
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(ended);
  }
}
