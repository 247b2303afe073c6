import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, type ErrorReport } from "#api/errors.ts";
import { findInstance, type HostInstance, stateFolder } from "#main/host/instance.ts";
import { connectRpc, type RpcClient } from "./rpc-client.ts";

export interface StartHostOptions {
  /** The host ends with this process; else it goes on in the background. */
  readonly attached: boolean;
  readonly port: number | undefined;
}

export interface RunningHost {
  readonly instance: HostInstance & { readonly url: string };
  readonly rpc: RpcClient;
  /** Whether this call started it. */
  readonly started: boolean;
}

/** Connects to the host of this state folder. Throws NOT_RUNNING. */
export async function connectHost(): Promise<RunningHost> {
  const host = await tryConnect(false);
  if (host !== undefined) return host;
  throw new AppError("NOT_RUNNING", "Slipway does not run", { hint: "Start it with `npm start` or `slipway up`." });
}

/** Connects to the host, starting one if none runs. */
export async function ensureHost(options: StartHostOptions): Promise<RunningHost> {
  const running = await tryConnect(false);
  if (running !== undefined) return running;
  const exited = await spawnHost(options);
  for (let waited = 0; waited < 15_000; waited += 20) {
    const host = await tryConnect(true);
    if (host !== undefined) return host;
    if (exited.code !== undefined) break;
    await delay(20);
  }
  if (exited.report !== undefined) {
    const { code, message, ...rest } = exited.report;
    throw new AppError(code, message, rest);
  }
  throw new AppError("INTERNAL", "the host process did not start", {
    hint: `Its log is ${logPath()}.`,
    ...(exited.code === undefined ? {} : { detail: `it ended with ${exited.code}` }),
  });
}

async function tryConnect(started: boolean): Promise<RunningHost | undefined> {
  const instance = await findInstance(stateFolder());
  if (instance?.url === undefined) return undefined;
  const rpc = await connectRpc(instance.url, instance.token);
  return { instance: { ...instance, url: instance.url }, rpc, started };
}

interface HostEnd {
  code: number | string | undefined;
  /** Why it could not start, in its own words. */
  report: ErrorReport | undefined;
}

async function spawnHost(options: StartHostOptions): Promise<HostEnd> {
  const folder = stateFolder();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = await open(logPath(), "a", 0o600);
  const main = join(import.meta.dirname, "../host/main.js");
  const args = ["--enable-source-maps", main, ...(options.port === undefined ? [] : ["--port", String(options.port)])];
  const child = spawn(process.execPath, options.attached ? [...args, "--attached"] : args, {
    // An attached host sees the end of its parent by the closed channel, even after kill -9.
    stdio: ["ignore", log.fd, log.fd, "ipc"],
    // Its own group: Ctrl-C is ours to pass on, once.
    detached: true,
  });
  await log.close();
  const exited: HostEnd = { code: undefined, report: undefined };
  child.on("message", (report) => {
    exited.report = report as ErrorReport;
  });
  child.on("exit", (code, signal) => {
    exited.code = code ?? signal ?? "unknown";
  });
  child.on("error", (error) => {
    exited.code = error.message;
  });
  if (!options.attached) child.unref();
  child.channel?.unref();
  return exited;
}

const logPath = (): string => join(stateFolder(), "host.log");

/** Waits until the process of an instance has ended. */
export async function whenEnded(instance: HostInstance, timeoutMs: number): Promise<boolean> {
  for (let waited = 0; waited < timeoutMs; waited += 50) {
    const current = await findInstance(stateFolder());
    if (current?.pid !== instance.pid) {
      try {
        process.kill(instance.pid, 0);
      } catch {
        return true;
      }
    }
    await delay(50);
  }
  return false;
}
