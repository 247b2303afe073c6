import WebSocket from "ws";
import type { TlsOptions } from "#kube/connection.ts";
import type { Answer, StreamStep } from "./case.ts";
import type { Json } from "./json.ts";

const PATIENCE_MS = 30_000;
const names = ["stdin", "stdout", "stderr", "error", "resize"];

/** What a WebSocket to a container said: by channel, and how it ended. */
export function playStream(
  step: StreamStep,
  url: URL,
  { tls, authorization }: { readonly tls: TlsOptions; readonly authorization: string | undefined },
): Promise<Answer> {
  url.protocol = "wss:";
  const socket = new WebSocket(url, [step.protocol ?? "v5.channel.k8s.io"], {
    ...tls,
    headers: authorization === undefined ? {} : { authorization },
  });
  const isForward = url.pathname.endsWith("/portforward");
  const channels = new Map<number, Buffer>();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.terminate(), PATIENCE_MS);
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(answer);
    };
    socket.on("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        finish({ code: response.statusCode ?? 0, body: jsonOr(text) });
      });
    });
    socket.on("open", () => speak(socket, step, isForward));
    socket.on("message", (message: Buffer) => {
      const at = message[0] ?? 0;
      channels.set(at, Buffer.concat([channels.get(at) ?? Buffer.alloc(0), message.subarray(1)]));
      if (step.enough !== undefined && String(channels.get(0) ?? "").includes(step.enough)) socket.close(1000);
    });
    socket.on("error", (error) => {
      if (socket.readyState === WebSocket.CONNECTING) return;
      if (!/Unexpected server response|closed before/.test(error.message)) reject(error);
    });
    socket.on("close", () => finish({ code: 101, body: said(channels, isForward) }));
  });
}

function speak(socket: WebSocket, { input, size, protocol }: StreamStep, isForward: boolean): void {
  if (size !== undefined) socket.send(Buffer.concat([Buffer.of(4), Buffer.from(JSON.stringify(size))]));
  if (input === undefined) return;
  socket.send(Buffer.concat([Buffer.of(0), Buffer.from(input)]));
  if (!isForward && (protocol ?? "v5.channel.k8s.io") === "v5.channel.k8s.io") socket.send(Buffer.of(255, 0));
}

function said(channels: ReadonlyMap<number, Buffer>, isForward: boolean): Json {
  const entries = [...channels]
    .sort(([a], [b]) => a - b)
    // Ports are greeted with their number on both of their channels.
    .map(
      ([at, bytes]) =>
        [isForward ? `channel ${at}` : (names[at] ?? String(at)), isForward ? bytes.subarray(2) : bytes] as const,
    )
    .filter(([, bytes]) => bytes.length > 0)
    .map(([name, bytes]) => [name, jsonOr(bytes.toString("utf8"))] as const);
  return Object.fromEntries(entries);
}

function jsonOr(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? (value as Json) : text;
  } catch {
    return text;
  }
}
