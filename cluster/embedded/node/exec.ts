import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { type IPty, spawn as spawnPty } from "@lydell/node-pty";
import type { ExecOptions, ExecSession } from "../machinery/node-backend.ts";
import { privileges } from "./container-command.ts";
import { killQuietly } from "./container-process.ts";
import type { Identity } from "./security.ts";

/** What a command needs to join a running container. */
export interface ExecTarget {
  /** Process 1 of the container. */
  readonly init: number;
  readonly identity: Identity;
  readonly fullIdMap: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

const NSENTER = "/usr/bin/nsenter";

/** The command line that joins all of a container's namespaces and becomes its user. */
function execLine(target: ExecTarget, command: readonly string[]): readonly string[] {
  const env = Object.entries(target.env).map(([name, value]) => `${name}=${value}`);
  return [
    ...["--target", String(target.init), "--mount", "--uts", "--ipc", "--net", "--pid", "--"],
    ...privileges(withoutNetworkEntry(target.identity), target.fullIdMap),
    // Set after the rights are gone, see container-command.ts.
    ...["/usr/bin/env", "-i", "-C", target.workdir, ...env],
    ...command,
  ];
}

/** The filter that SYS_ADMIN needs belongs to the container's own programs; who joins them does without both. */
const withoutNetworkEntry = (identity: Identity): Identity => ({
  ...identity,
  capabilities: identity.capabilities.filter((name) => name !== "sys_admin" && name !== "bpf"),
});

/** Runs a command to its end; for probes and hooks. Killed, with exit code 124, after the time. Output is cut at 10 KB. */
export async function execToEnd(
  target: ExecTarget,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = spawn(NSENTER, execLine(target, command), { env: {}, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer): void => {
    if (output.length < 10_240) output += chunk.toString("utf8");
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void killTree(child.pid);
  }, timeoutMs);
  const exitCode = await exitOf(child);
  clearTimeout(timer);
  return timedOut ? { exitCode: 124, output: `command timed out after ${timeoutMs} ms` } : { exitCode, output };
}

/** Starts a command with its streams open, on a terminal of its own when asked for. */
export function execSession(target: ExecTarget, options: ExecOptions): ExecSession {
  return options.tty ? terminalSession(target, options) : pipedSession(target, options);
}

function pipedSession(target: ExecTarget, options: ExecOptions): ExecSession {
  const child = spawn(NSENTER, execLine(target, options.command), {
    env: {},
    cwd: "/",
    stdio: [options.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  child.stdin?.on("error", () => undefined);
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? new PassThrough().end(),
    stderr: child.stderr ?? undefined,
    resize: () => undefined,
    exitCode: exitOf(child),
    kill: () => void killTree(child.pid),
  };
}

function terminalSession(target: ExecTarget, options: ExecOptions): ExecSession {
  const env = { TERM: "xterm-256color", ...target.env };
  const pty = spawnPty(NSENTER, [...execLine({ ...target, env }, options.command)], {
    name: "xterm-256color",
    cols: 80,
    rows: 24,
    cwd: "/",
    env: {},
  });
  const stdout = new PassThrough();
  const exitCode = new Promise<number>((resolve) =>
    pty.onExit((exit) => {
      stdout.end();
      resolve(exit.signal === undefined || exit.signal === 0 ? exit.exitCode : 128 + exit.signal);
    }),
  );
  pty.onData((data) => {
    if (!stdout.write(data)) pausePty(pty, stdout);
  });
  return {
    stdin: options.stdin ? terminalInput(pty) : undefined,
    stdout,
    stderr: undefined,
    resize: (columns, rows) => resizeQuietly(pty, columns, rows),
    exitCode,
    kill: () => void killTree(pty.pid),
  };
}

function pausePty(pty: IPty, stdout: PassThrough): void {
  pty.pause();
  stdout.once("drain", () => pty.resume());
}

function terminalInput(pty: IPty): PassThrough {
  const input = new PassThrough();
  input.setEncoding("utf8");
  input.on("data", (text: string) => pty.write(text));
  // End of input is a control character on a terminal.
  input.on("end", () => pty.write("\u0004"));
  return input;
}

/** A client may resize a terminal whose program has just ended. */
function resizeQuietly(pty: IPty, columns: number, rows: number): void {
  try {
    if (columns > 0 && rows > 0) pty.resize(columns, rows);
  } catch {
    // It is gone.
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(126));
    child.once("close", (code) => resolve(code ?? 137));
  });
}

/** nsenter waits for its child in the container, which would outlive it. */
async function killTree(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  for (const child of children.trim().split(/\s+/).filter(Boolean)) killQuietly(Number(child), "SIGKILL");
  killQuietly(pid, "SIGKILL");
}
