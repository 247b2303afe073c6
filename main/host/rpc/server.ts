import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { AppError } from "#api/errors.ts";
import type { ClientMessage } from "#api/rpc/messages.ts";
import type { CallHandlers, StreamHandlers } from "./handlers.ts";
import { Session } from "./session.ts";
import { serveStatic } from "./static-files.ts";

export interface RpcServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  readonly token: string;
  /** Folder of the built interface. */
  readonly rendererFolder: string;
  readonly calls: CallHandlers;
  readonly streams: StreamHandlers;
}

export interface RpcServer {
  /** The interface's address without the token. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the interface and the RPC on loopback. The token travels as a WebSocket subprotocol, because a page cannot set headers
 * there and a query string would end in logs. Host and Origin are checked, so that no other site can reach it by DNS rebinding.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const server = createServer((request, response) => handleHttp(request, response, options.rendererFolder));
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 8 * 1024 * 1024,
    handleProtocols: (protocols) => [...protocols].find((protocol) => protocol.startsWith("slipway.")) ?? false,
  });
  server.on("upgrade", (request, socket, head) => {
    const refusal = refuse(request, options.token);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => attach(webSocket, options));
  });
  const port = await listen(server, options.port);
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function attach(webSocket: WebSocket, options: RpcServerOptions): void {
  const session = new Session(
    {
      send: (message) => {
        if (webSocket.readyState === webSocket.OPEN) webSocket.send(JSON.stringify(message));
      },
      bufferedBytes: () => webSocket.bufferedAmount,
    },
    options,
  );
  webSocket.on("message", (data) => {
    const message = parseMessage(data.toString());
    if (message === undefined) webSocket.close(1007, "not a message of the contract");
    else session.receive(message);
  });
  webSocket.on("close", () => session.dispose());
  webSocket.on("error", () => webSocket.terminate());
}

function parseMessage(text: string): ClientMessage | undefined {
  try {
    const message = JSON.parse(text) as Partial<ClientMessage> | null;
    if (message === null || typeof message !== "object" || typeof message.id !== "number") return undefined;
    if (message.type === "close") return message as ClientMessage;
    return (message.type === "call" || message.type === "open") && typeof message.name === "string"
      ? (message as ClientMessage)
      : undefined;
  } catch {
    return undefined;
  }
}

function refuse(request: IncomingMessage, token: string): string | undefined {
  if (new URL(request.url ?? "/", "http://localhost").pathname !== "/rpc") return "404 Not Found";
  if (!isLoopbackHost(request.headers.host)) return "403 Forbidden";
  const origin = request.headers.origin;
  if (origin !== undefined && origin !== `http://${request.headers.host}`) return "403 Forbidden";
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((part) => part.trim());
  return offered.some((protocol) => sameToken(protocol, `slipway.${token}`)) ? undefined : "401 Unauthorized";
}

function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
}

function sameToken(offered: string, expected: string): boolean {
  const [a, b] = [Buffer.from(offered), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function handleHttp(request: IncomingMessage, response: ServerResponse, rendererFolder: string): void {
  if (!isLoopbackHost(request.headers.host)) {
    response.writeHead(403).end();
    return;
  }
  serveStatic(request, response, rendererFolder);
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new AppError("PORT_TAKEN", `port ${port} on 127.0.0.1 is in use by another program`, {
              cause: error,
              hint: "Choose another port with --port, or leave it out to let Slipway choose.",
            })
          : error,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}
