import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly remoteAddress: string;
}

/** What a route answers: a text, a value as JSON, or nothing when it writes the response itself. */
export type Answer =
  | { readonly status?: number; readonly text: string; readonly type?: string }
  | { readonly status?: number; readonly json: unknown }
  | { readonly stream: (response: ServerResponse) => void };

export interface Route {
  /** Both when undefined. */
  readonly method?: "GET" | "POST";
  /** Answered only to callers from inside the pod. */
  readonly localOnly?: true;
  readonly help: string;
  readonly answer: (request: AdminRequest) => Answer | Promise<Answer>;
}

/** Routes by path; a path that ends with a slash stands for everything below it. */
export type Routes = Readonly<Record<string, Route>>;

export interface HttpPort {
  readonly port: number;
  close(): void;
}

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** A caller from outside of the pod asked for what is local only. */
  readonly onRefused?: (path: string, remoteAddress: string) => void;
}

/** Whether a peer's address is of this pod. */
export const isLoopback = (address: string): boolean =>
  address === "::1" || address.replace("::ffff:", "").startsWith("127.");

/** Serves routes. Rejects when the port cannot be had, with port and reason. */
export function serveRoutes(routes: Routes, at: ServeOptions): Promise<HttpPort> {
  const server = createServer((request, response) => {
    request.resume();
    void respond(routes, request, response, at);
  });
  // Scrapers and probes keep connections; idle ones must not keep us from ending.
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`cannot listen on ${at.host}:${at.port}: ${error.message}`)));
    server.listen(at.port, at.host, () => resolve(bound(server)));
  });
}

function bound(server: Server): HttpPort {
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function respond(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  { onRefused }: ServeOptions,
): Promise<void> {
  const { method = "GET" } = request;
  const url = new URL(request.url ?? "/", "http://admin");
  const route = routes[url.pathname] ?? below(routes, url.pathname);
  if (route === undefined)
    return send(response, { status: 404, text: `there is no ${url.pathname}; /help lists what there is\n` });
  const remoteAddress = request.socket.remoteAddress ?? "";
  if (route.localOnly && !isLoopback(remoteAddress)) {
    onRefused?.(url.pathname, remoteAddress);
    return send(response, { status: 403, text: `${url.pathname} is answered only inside the pod\n` });
  }
  if (route.method !== undefined && route.method !== (method === "HEAD" ? "GET" : method)) {
    return send(response, { status: 405, text: `${url.pathname} needs ${route.method}\n` });
  }
  try {
    send(
      response,
      await route.answer({
        method,
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        remoteAddress,
      }),
    );
  } catch (error) {
    send(response, { status: 500, text: `${error instanceof Error ? error.message : String(error)}\n` });
  }
}

const below = (routes: Routes, path: string): Route | undefined =>
  Object.entries(routes).find(([prefix]) => prefix.length > 1 && prefix.endsWith("/") && path.startsWith(prefix))?.[1];

function send(response: ServerResponse, answer: Answer): void {
  if ("stream" in answer) return answer.stream(response);
  const [body, type] =
    "json" in answer
      ? [`${JSON.stringify(answer.json, null, 1)}\n`, "application/json"]
      : [answer.text, answer.type ?? "text/plain; charset=UTF-8"];
  response.writeHead(answer.status ?? 200, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-cache, max-age=0",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}
