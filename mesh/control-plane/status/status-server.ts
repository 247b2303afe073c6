import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { VERSION } from "#api/names.ts";
import { isLoopback } from "#mesh/lib/admin/http.ts";
import type { Pilot } from "../pilot.ts";
import { renderMetrics } from "./metrics.ts";
import { pages } from "./pages.ts";

export interface StatusOptions {
  readonly host: string;
  readonly port: number;
}

export interface DebugOptions extends StatusOptions {
  /** Another pod asked for a debug page. */
  readonly onRefused: (path: string, remoteAddress: string) => void;
}

export interface BoundServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Readiness for everybody, and debug pages for callers from inside the pod: they tell of the whole mesh. */
export const startDebugServer = (pilot: Pilot, options: DebugOptions): Promise<BoundServer> =>
  listen(options, (path, query, remoteAddress) => {
    if (path === "/ready" || path === "/healthz/ready") {
      return pilot.isReady() ? text(200, "ok\n") : text(503, "waiting for the first list of objects\n");
    }
    if (!isLoopback(remoteAddress)) {
      options.onRefused(path, remoteAddress);
      return text(403, `${path} is answered only inside the pod: use kubectl port-forward\n`);
    }
    if (path === "/debug" || path === "/debug/list") return json(200, [...pages.keys()]);
    const page = pages.get(path)?.(pilot, query);
    return page === undefined ? text(404, `there is no page ${path}\n`) : json(page.status, page.body);
  });

/** Metrics and version. */
export const startMonitoringServer = (pilot: Pilot, options: StatusOptions): Promise<BoundServer> =>
  listen(options, (path) => {
    if (path === "/metrics") return { status: 200, type: "text/plain; version=0.0.4", body: renderMetrics(pilot) };
    if (path === "/version") return text(200, VERSION);
    return text(404, `there is no page ${path}\n`);
  });

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = (status: number, body: string): Answer => ({ status, type: "text/plain", body });
const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value, undefined, 2),
});

async function listen(
  options: StatusOptions,
  answer: (path: string, query: URLSearchParams, remoteAddress: string) => Answer,
): Promise<BoundServer> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== "GET" && request.method !== "HEAD") return write(response, text(405, "only GET\n"));
    const url = new URL(request.url ?? "/", "http://istiod");
    write(
      response,
      safely(() => answer(url.pathname, url.searchParams, request.socket.remoteAddress ?? "")),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: () => close(server) };
}

function safely(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    return text(500, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function write(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { "content-type": type }).end(body);
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
