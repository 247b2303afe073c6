import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

/** How long a server that was told to end still accepts: until everybody has heard that its pod is going. */
const LAME_DUCK_MS = 1500;

/** Serves until TERM or INT, then goes on for a moment and lets requests in flight end. The kubelet sends TERM and waits. */
export function serve(port: number, handler: Handler, tls?: { readonly cert: string; readonly key: string }): Server {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://localhost");
    Promise.resolve(handler(request, response, url)).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) sendJson(response, 500, { error: "internal error" });
      else response.destroy();
    });
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
  // Longer than the proxies' pools keep idle connections, so that a proxy never meets a connection that is just being closed.
  server.keepAliveTimeout = 75_000;
  server.listen(port, () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
  const close = (): void => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  };
  const stop = (): void => void setTimeout(close, LAME_DUCK_MS);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return server;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Reads a request's body; rejects when it is longer than the limit. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) throw new RangeError(`the body is longer than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A whole number from the environment; the program ends with a clear message if it is none. */
export function numberFromEnv(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  console.error(`${name} must be a number, not "${text}"`);
  process.exit(64);
}
