import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { type SandboxMode, toolPath, unshareArguments } from "./preflight.ts";
import { RotatingFile } from "./rotating-file.ts";

export interface LaunchOptions {
  /** The program to run inside: a JavaScript bundle or a TypeScript file. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Folder that outlives the sandbox; made when missing, and the program's working directory. */
  readonly stateDir: string;
  /** Added to a small clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the program's output goes; put aside at 10 MB, three old files are kept. */
  readonly logFile: string;
  /**
   * Locked as long as any process of the sandbox lives, so that a second one never works on the same state. When it stays locked for
   * a few seconds (what was just killed needs a moment), the launch ends with the exit code LOCKED.
   */
  readonly lockFile?: string;
  /** From checkSandbox(). */
  readonly mode: SandboxMode;
  /** Node.js to run it with; this process's own by default. */
  readonly node?: string;
  readonly onExit?: (exit: SandboxExit) => void;
}

/** Exit code of a sandbox whose lock file was held by another. */
export const LOCKED = 75;
const LOCK_WAIT_SECONDS = 3;

export interface SandboxExit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A running program that is process 1 of its own process, network and mount namespaces. */
export interface Sandbox {
  /** Process id outside. */
  readonly pid: number;
  /** The IPC channel: `send` (also with a socket), `on("message")`. */
  readonly process: ChildProcess;
  readonly exited: Promise<SandboxExit>;
  /** Asks the program to end by closing the channel, and kills it after this many milliseconds. */
  stop(graceMs: number): Promise<SandboxExit>;
  kill(): void;
}

/**
 * Starts a program in its own namespaces. The kernel ends it, and with it every process, namespace, mount, link and rule inside,
 * when this process dies in whatever way: the parent-death signal ends `unshare`, and that one's ends the program.
 */
export async function launchSandbox(options: LaunchOptions): Promise<Sandbox> {
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  const log = new RotatingFile(options.logFile, { maxBytes: 10 * 1024 * 1024, keep: 3 });
  const child = spawn("setpriv", commandLine(options), {
    cwd: options.stateDir,
    env: { PATH: toolPath, LANG: "C.UTF-8", HOME: "/root", ...options.env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // Ctrl-C in a terminal reaches the whole process group: the host decides when the cluster ends, not the terminal.
    detached: true,
  });
  child.stdout?.on("data", (chunk: Buffer) => log.write(chunk));
  child.stderr?.on("data", (chunk: Buffer) => log.write(chunk));
  const exited = whenExited(child).then(async (exit) => {
    await log.close();
    options.onExit?.(exit);
    return exit;
  });
  // A failure to start is reported by the wait for "spawn" below.
  exited.catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  return {
    pid: child.pid ?? 0,
    process: child,
    exited,
    stop: (graceMs) => stop(child, exited, graceMs),
    kill: () => void child.kill("SIGKILL"),
  };
}

function commandLine(options: LaunchOptions): string[] {
  const node = options.node ?? process.execPath;
  return [
    "--pdeathsig",
    "KILL",
    ...lock(options.lockFile),
    "unshare",
    ...unshareArguments(options.mode),
    node,
    options.entry,
    ...(options.args ?? []),
  ];
}

/** The lock belongs to an open file that every process inside inherits; the kernel releases it with the last of them. */
function lock(file: string | undefined): string[] {
  if (file === undefined) return [];
  return ["flock", "--wait", String(LOCK_WAIT_SECONDS), "--conflict-exit-code", String(LOCKED), "--no-fork", file];
}

async function stop(child: ChildProcess, exited: Promise<SandboxExit>, graceMs: number): Promise<SandboxExit> {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}

/** Not the "close" event: Node does not emit it after a disconnect from this side. */
async function whenExited(child: ChildProcess): Promise<SandboxExit> {
  const ended = [child.stdout, child.stderr].map(
    (stream) => new Promise<void>((resolve) => (stream === null ? resolve() : stream.once("close", () => resolve()))),
  );
  const exit = await new Promise<SandboxExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
  await Promise.all(ended);
  return exit;
}
