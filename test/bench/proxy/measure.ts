import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Microseconds of processor time, user and system, that a process has used. */
export function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}

/** Resident memory in MB: all of it, and what is not mapped from files that other processes share. */
export function residentMb(pid: number): { readonly all: number; readonly own: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { all: Math.round(field("VmRSS")), own: Math.round(field("RssAnon")) };
}

/** Keeps a process on one processor, where the machine lets us. */
export function pin(pid: number, cpu: number): void {
  try {
    execFileSync("taskset", ["-acp", String(cpu), String(pid)], { stdio: "ignore" });
  } catch {
    // Not pinned then: processor time per request stays comparable.
  }
}

export async function startNode(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = fork(file.startsWith("/") ? file : join(here, file), [...args], {
    execPath: process.execPath,
    execArgv: [],
  });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`${file} ended with ${code} before it listened`);
  });
  await Promise.race([once(child, "message"), failed]);
  failed.catch(() => undefined);
  return child;
}

export async function startEnvoy(binary: string, config: string, port: number): Promise<ChildProcess> {
  const args = ["--concurrency", "1", "-l", "error", "--config-yaml", config, "--disable-hot-restart"];
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "inherit"] });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Envoy does not listen on port ${port}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

export interface ClosedLoop {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly residentMb: number;
  readonly ownMb: number;
  readonly errors: number;
}

/** wrk for some seconds: as many requests as 32 connections get through, and what each cost the proxy. */
export async function closedLoop(pid: number, port: number, seconds: number): Promise<ClosedLoop> {
  const wrk = (duration: number) => run("wrk", ["-t1", "-c32", `-d${duration}s`, `http://127.0.0.1:${port}/`]);
  await wrk(Math.max(2, Math.round(seconds / 3)));
  const before = cpuMicros(pid);
  const text = await wrk(seconds);
  const used = cpuMicros(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const errors =
    Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) + Number(/read (\d+)/.exec(text)?.[1] ?? 0);
  const memory = residentMb(pid);
  return {
    requestsPerSecond: Math.round(requests / seconds),
    cpuMicrosPerRequest: Number((used / requests).toFixed(1)),
    residentMb: memory.all,
    ownMb: memory.own,
    errors,
  };
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, "close");
  return text;
}

export interface OpenLoop {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerRequest: number;
}

/** The same rate for every proxy: latency from the intended start. */
export async function openLoop(
  pid: number,
  options: { port: number; rate: number; seconds: number },
): Promise<OpenLoop> {
  const before = cpuMicros(pid);
  const args = [options.port, options.rate, options.seconds, 32].map(String);
  const child = fork(join(here, "open-loop.ts"), args, { execPath: process.execPath, execArgv: [] });
  const [result] = (await once(child, "message")) as [{ p50: number; p99: number; done: number }];
  const used = cpuMicros(pid) - before;
  return {
    p50Ms: result.p50 / 1000,
    p99Ms: result.p99 / 1000,
    cpuMicrosPerRequest: Number((used / result.done).toFixed(1)),
  };
}
