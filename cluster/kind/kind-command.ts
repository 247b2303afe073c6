import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { AppError } from "#api/errors.ts";
import { diagnose } from "./diagnose.ts";
import { type KindProgress, parseKindLine } from "./kind-output.ts";

/** The kind command, bound to one engine. */
export interface KindCommand {
  /** Path of the program. */
  readonly program: string;
  /** Added to the environment: the engine. */
  readonly env: Readonly<Record<string, string>>;
}

export interface CreateOptions {
  readonly name: string;
  /** Undefined: kind's own. */
  readonly image: string | undefined;
  /** Text of the kind configuration. */
  readonly configuration: string;
  readonly kubeconfig: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: KindProgress) => void;
  readonly onLine: (line: string) => void;
}

/** How long kind may clean up after it was interrupted, in milliseconds. */
const GRACE_MS = 15_000;
/** kind says what failed and then repeats all that the failing command has written. */
const KEPT_LINES = 5000;

/** On failure or abort the nodes are left as they are, for whoever wants to see why; deleting them is up to the caller. */
export async function createCluster(command: KindCommand, options: CreateOptions): Promise<void> {
  const { name, image, kubeconfig, configuration, signal, onProgress, onLine } = options;
  const args = ["create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--config", "-", "--retain"];
  if (image !== undefined) args.push("--image", image);
  await run(command, args, {
    input: configuration,
    signal,
    onLine: (line) => {
      onLine(line);
      const progress = parseKindLine(line);
      if (progress !== undefined) onProgress(progress);
    },
  });
}

export async function deleteCluster(command: KindCommand, name: string, kubeconfig: string): Promise<void> {
  await run(command, ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]);
}

/** Writes the cluster's kubeconfig again, with the address that it has now. */
export async function exportKubeconfig(command: KindCommand, name: string, kubeconfig: string): Promise<void> {
  await run(command, ["export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]);
}

/** Older ones know neither current node images nor their way of taking images. */
const OLDEST_MINOR = 24;

/** Asks kind for its version, such as "0.33.0". Throws TOOL_MISSING if it is too old. */
export async function checkKindVersion(command: KindCommand): Promise<string> {
  const lines = await run(command, ["version", "--quiet"]);
  const version = lines.join(" ").trim().replace(/^v/, "");
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) === 0 && Number(minor) < OLDEST_MINOR)
    throw new AppError("TOOL_MISSING", `${command.program} is kind ${version}, which is too old`, {
      hint: `Update it to 0.${OLDEST_MINOR} or later, or take it off the PATH: then Slipway gets its own.`,
    });
  return version;
}

interface RunOptions {
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Runs kind to its end and returns its lines. An abort interrupts it, so that it takes back what it began. */
function run(command: KindCommand, args: readonly string[], options: RunOptions = {}): Promise<readonly string[]> {
  const { input, signal, onLine } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const child = spawn(command.program, args, {
      env: { ...process.env, ...command.env },
      stdio: ["pipe", "pipe", "pipe"],
      // Its own group: Ctrl-C is ours to pass on, once.
      detached: true,
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        onLine?.(line);
      });
    let killer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      child.kill("SIGINT");
      killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    signal?.addEventListener("abort", onAbort);
    child.on("error", (error) => {
      signal?.removeEventListener("abort", onAbort);
      reject(new AppError("TOOL_MISSING", `${command.program} cannot be run: ${error.message}`, { cause: error }));
    });
    child.on("close", (code) => {
      clearTimeout(killer);
      signal?.removeEventListener("abort", onAbort);
      if (signal?.aborted) return reject(signal.reason);
      if (code === 0) return resolve(lines);
      reject(diagnose(`kind ${args.slice(0, 2).join(" ")}`, lines.join("\n")));
    });
    // A program that ends before it has read all is judged by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
  });
}
