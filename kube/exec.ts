import { StringDecoder } from "node:string_decoder";
import type { KubeClient } from "./client.ts";
import { pathOf, resources } from "./resource.ts";
import { openWebSocket } from "./web-socket.ts";

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface ExecProcess {
  onOutput(listener: (stream: "stdout" | "stderr", data: Buffer) => void): void;
  write(data: string | Buffer): void;
  /** Only with a tty. */
  resize(columns: number, rows: number): void;
  /** Exit code; undefined when the connection broke. */
  readonly ended: Promise<number | undefined>;
  kill(): void;
}

/** Channels of the remote command protocol (v5.channel.k8s.io): the first byte of each message. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/** Runs a command in a container. Rejects if the API server refuses. */
export async function podExec(client: KubeClient, request: ExecRequest): Promise<ExecProcess> {
  const query = new URLSearchParams({
    container: request.container,
    stdin: String(request.stdin),
    stdout: "true",
    stderr: String(!request.tty),
    tty: String(request.tty),
  });
  for (const part of request.command) query.append("command", part);
  const path = `${pathOf(resources.pods, request.namespace, request.pod, "exec")}?${query}`;
  const socket = await openWebSocket(client.http, path, ["v5.channel.k8s.io", "v4.channel.k8s.io"]);
  let listener: (stream: "stdout" | "stderr", data: Buffer) => void = () => {};
  const early: { stream: "stdout" | "stderr"; data: Buffer }[] = [];
  let listening = false;
  let code: number | undefined;
  socket.on("message", (message: Buffer) => {
    const data = message.subarray(1);
    if (message[0] === channel.error) code = exitCodeOf(data.toString());
    else if (message[0] === channel.stdout || message[0] === channel.stderr) {
      const stream = message[0] === channel.stdout ? "stdout" : "stderr";
      if (listening) listener(stream, data);
      else early.push({ stream, data });
    }
  });
  socket.resume();
  const send = (target: number, data: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(target), data]));
  };
  return {
    onOutput: (next) => {
      listener = next;
      listening = true;
      for (const { stream, data } of early.splice(0)) listener(stream, data);
    },
    write: (data) => send(channel.stdin, Buffer.from(data)),
    resize: (columns, rows) => send(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    ended: new Promise((resolve) => {
      socket.once("close", () => resolve(code));
      socket.once("error", () => socket.terminate());
    }),
    kill: () => socket.terminate(),
  };
}

/** Runs a command to its end and gives what it wrote. Rejects if the API server refuses, or with the signal's reason. */
export async function runInContainer(
  client: KubeClient,
  request: Omit<ExecRequest, "stdin" | "tty"> & { readonly signal: AbortSignal },
): Promise<{ readonly code: number | undefined; readonly stdout: string; readonly stderr: string }> {
  request.signal.throwIfAborted();
  const process = await podExec(client, { ...request, stdin: false, tty: false });
  const output = { stdout: "", stderr: "" };
  process.onOutput((stream, data) => {
    output[stream] += data.toString("utf8");
  });
  const stop = (): void => process.kill();
  request.signal.addEventListener("abort", stop, { once: true });
  const code = await process.ended;
  request.signal.removeEventListener("abort", stop);
  request.signal.throwIfAborted();
  return { code, ...output };
}

/**
 * Runs a command in a container and gives the lines of its output as they come, until it ends or the signal says so. Rejects if the
 * API server refuses, or with what `onLine` throws.
 */
export async function followInContainer(
  client: KubeClient,
  request: Omit<ExecRequest, "stdin" | "tty">,
  { onLine, signal }: { readonly onLine: (line: string) => void; readonly signal: AbortSignal },
): Promise<{ readonly code: number | undefined; readonly stderr: string }> {
  const process = await podExec(client, { ...request, stdin: false, tty: false });
  let [rest, stderr] = ["", ""];
  let failure: unknown;
  const decoder = new StringDecoder("utf8");
  process.onOutput((stream, data) => {
    if (stream === "stderr") {
      stderr += data.toString("utf8");
      return;
    }
    const lines = (rest + decoder.write(data)).split("\n");
    rest = lines.pop() ?? "";
    try {
      for (const line of lines) onLine(line);
    } catch (error) {
      failure ??= error;
      process.kill();
    }
  });
  const stop = (): void => process.kill();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const code = await process.ended;
  signal.removeEventListener("abort", stop);
  if (failure !== undefined) throw failure;
  return { code, stderr };
}

/** The last message is a Status: success, or the exit code among its causes. */
function exitCodeOf(text: string): number {
  try {
    const status = JSON.parse(text) as {
      status?: string;
      details?: { causes?: { reason?: string; message?: string }[] };
    };
    if (status.status === "Success") return 0;
    const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
    return cause === undefined ? 1 : Number(cause.message);
  } catch {
    return 1;
  }
}
