import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";

const root = join(import.meta.dirname, "../../..");

/** A screen that nobody sees. Resolves to its name, such as ":3". */
export async function openScreen(): Promise<{ readonly display: string; close(): Promise<void> }> {
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1440x900x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  await once(child, "spawn");
  const pipe = child.stdio[3];
  if (pipe === undefined || pipe === null) throw new Error("Xvfb has no pipe to tell its display");
  const [number] = (await once(pipe, "data")) as [Buffer];
  return { display: `:${String(number).trim()}`, close: () => end(child) };
}

export interface DesktopWindow {
  /** Evaluates an expression, or a promise, in the page. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts the built window and attaches to its page by Chromium's debugging protocol. */
export async function openWindow(binary: string, address: string, display: string): Promise<DesktopWindow> {
  const profile = await mkdtemp(join(tmpdir(), "slipway-window-"));
  const switches = ["--remote-debugging-port=0", `--user-data-dir=${profile}`, "--disable-gpu"];
  const args = [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), ...switches];
  const child = spawn(binary, [...args, join(root, "dist/desktop/main/main.cjs")], {
    env: { ...process.env, DISPLAY: display, SLIPWAY_ADDRESS: address },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const close = async (): Promise<void> => {
    await end(child);
    await rm(profile, { recursive: true, force: true });
  };
  try {
    const socket = await attach(await debuggingPort(child));
    await loaded(socket);
    return { evaluate: (expression) => evaluate(socket, expression), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function debuggingPort(child: ChildProcess): Promise<number> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (data: Buffer) => {
      text += data;
      const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.on("exit", (code) => reject(new Error(`the window ended with ${code}: ${text.slice(-2000)}`)));
  });
}

async function attach(port: number): Promise<WebSocket> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const targets = (await response.json()) as readonly { type: string; url: string; webSocketDebuggerUrl: string }[];
    const page = targets.find((target) => target.type === "page" && target.url.startsWith("http"));
    if (page !== undefined) {
      const socket = new WebSocket(page.webSocketDebuggerUrl);
      await once(socket, "open");
      return socket;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A window is there before its page is, and changes its process in between. */
async function loaded(socket: WebSocket): Promise<void> {
  const ready = "location.protocol === 'http:' && document.readyState === 'complete'";
  while ((await evaluate(socket, ready).catch(() => false)) !== true)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

async function evaluate(socket: WebSocket, expression: string): Promise<unknown> {
  const id = Math.floor(Math.random() * 1e9);
  const answer = new Promise<Answer>((resolve) => {
    const onMessage = (data: WebSocket.RawData): void => {
      const message = JSON.parse(String(data)) as Answer;
      if (message.id !== id) return;
      socket.off("message", onMessage);
      resolve(message);
    };
    socket.on("message", onMessage);
  });
  const params = { expression, awaitPromise: true, returnByValue: true };
  socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params }));
  const { result, error } = await answer;
  const failure = error ?? result?.exceptionDetails;
  if (failure !== undefined) throw new Error(JSON.stringify(failure));
  return result?.result.value;
}

interface Answer {
  readonly id?: number;
  readonly error?: unknown;
  readonly result?: { readonly result: { readonly value?: unknown }; readonly exceptionDetails?: unknown };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
