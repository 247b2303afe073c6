import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fchownSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { Namespaces } from "../network/netns.ts";
import type { Libc } from "../sandbox/libc.ts";
import { type ContainerCommand, launchLine } from "./container-command.ts";
import { networkEntryFilter } from "./syscall-filter.ts";

export interface ContainerExit {
  readonly exitCode: number;
  /** Number of the signal that ended it, when the exit code says so. */
  readonly signal: number | undefined;
}

/** A running container. */
export interface ContainerProcess {
  /** Process 1 of the container, as the node sees it: whose namespaces exec joins. Fails when the container could not be made. */
  readonly init: Promise<number>;
  readonly exited: Promise<ContainerExit>;
  /** Sends a signal to the container's own program. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Ends every process of the container at once. */
  kill(): void;
}

export interface ContainerStart {
  readonly command: ContainerCommand;
  /** Network namespace of the pod. */
  readonly netns: string;
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Buffer) => void;
}

/** Where the programs are. Absolute: they must not be looked up on a container's PATH. */
const BWRAP = "/usr/bin/bwrap";

/** Starts a container in a pod's network namespace. Returns at once; `init` and `exited` tell what became of it. */
export function startContainer(host: { namespaces: Namespaces; libc: Libc }, start: ContainerStart): ContainerProcess {
  const line = launchLine(start.command);
  const output = [
    outputPipe(host.libc, start.command.identity),
    outputPipe(host.libc, start.command.identity),
  ] as const;
  const { capabilities } = start.command.identity;
  const filter = capabilities.includes("sys_admin")
    ? filterPipe(host.libc, { bpf: capabilities.includes("bpf") })
    : undefined;
  const filtering = filter === undefined ? [] : ["--seccomp", "5"];
  const args = ["--args", "3", "--info-fd", "4", ...filtering, ...line.command];
  const child = spawnIn(host.namespaces, start.netns, { args, output, filter });
  const drained = [
    collect(output[0].read, (chunk) => start.onOutput("stdout", chunk)),
    collect(output[1].read, (chunk) => start.onOutput("stderr", chunk)),
  ];
  endWith(child.stdio[3] as Writable, `${line.options.join("\0")}\0`);
  const init = initProcess(child.stdio[4] as Readable).then((pid) => whenMade(pid, child));
  init.catch(() => undefined);
  const exited = whenExited(child, async () => {
    const pid = await init.catch(() => undefined);
    if (pid !== undefined) killQuietly(pid, "SIGKILL");
    await Promise.race([Promise.all(drained), new Promise((resolve) => setTimeout(resolve, 200).unref())]);
    if (pid !== undefined) reapSoon(host.libc, pid);
  });
  return {
    init,
    exited,
    signal: async (name) => {
      const pid = await init.catch(() => undefined);
      if (pid === undefined) child.kill("SIGKILL");
      else for (const target of await programs(pid)) killQuietly(target, name);
    },
    kill: () => {
      init.then(
        (pid) => killQuietly(pid, "SIGKILL"),
        () => child.kill("SIGKILL"),
      );
    },
  };
}

interface OutputPipe {
  readonly read: number;
  readonly write: number;
}

/** A real pipe that the container's user owns, so that its programs can open /dev/stdout again. */
function outputPipe(libc: Libc, owner: { uid: number; gid: number }): OutputPipe {
  const pipe = libc.pipe();
  fchownSync(pipe.write, owner.uid, owner.gid);
  return pipe;
}

/** A pipe that holds the whole filter already and ends after it. */
function filterPipe(libc: Libc, options: { readonly bpf: boolean }): number {
  const pipe = libc.pipe();
  writeSync(pipe.write, networkEntryFilter(options));
  closeSync(pipe.write);
  return pipe.read;
}

interface Launch {
  readonly args: readonly string[];
  readonly output: readonly [OutputPipe, OutputPipe];
  /** Read end of the system call filter. */
  readonly filter: number | undefined;
}

function spawnIn(namespaces: Namespaces, netns: string, { args, output, filter }: Launch): ChildProcess {
  const given = [...output.map((pipe) => pipe.write), ...(filter === undefined ? [] : [filter])];
  const [stdout, stderr] = output;
  try {
    return namespaces.within(netns, () =>
      spawn(BWRAP, args, {
        env: {},
        cwd: "/",
        stdio: ["ignore", stdout.write, stderr.write, "pipe", "pipe", filter ?? "ignore"],
      }),
    );
  } finally {
    for (const fd of given) closeSync(fd);
  }
}

function collect(fd: number, onChunk: (chunk: Buffer) => void): Promise<void> {
  const stream = new Socket({ fd, readable: true, writable: false });
  return new Promise((resolve) => {
    stream.on("data", onChunk);
    stream.on("error", () => undefined);
    stream.on("close", () => resolve());
  });
}

function endWith(stream: Writable, text: string): void {
  stream.on("error", () => undefined);
  stream.end(text);
}

/** Reads bubblewrap's report, `{ "child-pid": 12, … }`. */
function initProcess(stream: Readable): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("error", () => undefined);
    stream.on("data", (chunk: string) => {
      text += chunk;
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      if (pid !== undefined) resolve(Number(pid));
    });
    stream.on("close", () => reject(new Error("the container was not made")));
  });
}

/** How often to look whether a container is made, in milliseconds; bubblewrap takes about ten. */
const LOOK_MS = 2;

/**
 * Bubblewrap reports its child before the root is complete, and only then gives it a child of its own: the program. A command
 * that joined earlier would find nothing to execute.
 */
async function whenMade(pid: number, child: ChildProcess): Promise<number> {
  while (child.exitCode === null && child.signalCode === null && (await programs(pid)).length === 0) {
    await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return pid;
}

async function whenExited(child: ChildProcess, cleanUp: () => Promise<void>): Promise<ContainerExit> {
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(128));
    child.once("exit", (status) => resolve(status ?? 137));
  });
  await cleanUp();
  return { exitCode: code, signal: code > 128 && code <= 192 ? code - 128 : undefined };
}

/** Children of a container's process 1: its program, and what programs left behind. */
async function programs(init: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${init}/task/${init}/children`, "utf8").catch(() => "");
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

/** A process that has ended meanwhile is no error. */
export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

/** The container's process 1 becomes our child when bubblewrap's monitor has ended before it. */
function reapSoon(libc: Libc, pid: number): void {
  let tries = 0;
  const look = (): void => {
    if (libc.reap(pid) || ++tries > 20) return;
    setTimeout(look, 25).unref();
  };
  look();
}
