import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { DataPlaneOptions } from "../../data-plane.ts";
import { createDataPlane, type LocalDataPlane } from "../../data-plane-create.ts";
import type { RequestRecord } from "../../request-record.ts";

export const peer = {
  name: "cart-1",
  namespace: "shop",
  workload: "cart",
  app: "cart",
  version: "v1",
  canonicalService: "cart",
  canonicalRevision: "v1",
  cluster: "Kubernetes",
};

/** A data plane on loopback with everything that it recorded. */
export interface Harness {
  readonly plane: LocalDataPlane;
  readonly records: RequestRecord[];
  port(listener?: string): number;
  close(): Promise<void>;
}

export function harness(options: Partial<DataPlaneOptions> = {}): Harness {
  const records: RequestRecord[] = [];
  const plane = createDataPlane({
    nodeId: "sidecar~127.0.0.1~cart-1.shop~shop.svc.cluster.local",
    self: peer,
    role: "sidecar",
    sink: { record: (record) => records.push(copyOf(record)) },
    log: { warn: () => undefined, debug: () => undefined },
    originalDestination: () => undefined,
    ...options,
  });
  return {
    plane,
    records,
    port: (listener = "test") => {
      const status = plane.listenerStatus().find((one) => one.name === listener);
      return Number(status?.address.split(":").at(-1));
    },
    close: () => plane.close(),
  };
}

/** Records are pooled and made of getters: keep the values. */
function copyOf(record: RequestRecord): RequestRecord {
  const copy: Record<string, unknown> = {};
  const names = new Set([
    ...Object.getOwnPropertyNames(Object.getPrototypeOf(record) as object),
    ...Object.keys(record),
  ]);
  for (const name of names) if (name !== "constructor") copy[name] = Reflect.get(record, name);
  return copy as object as RequestRecord;
}

/** A server that hands each connection's bytes to a script. */
export async function rawServer(onConnection: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

export interface Seen {
  readonly requests: string[];
  connections: number;
}

/** Answers every head with what the script says; heads end with an empty line, bodies are kept with the next head. */
export async function upstream(answer: (request: string, socket: Socket) => string | undefined) {
  const seen: Seen = { requests: [], connections: 0 };
  const sockets = new Set<Socket>();
  const { port, server } = await rawServer((socket) => {
    seen.connections += 1;
    sockets.add(socket);
    let pending = "";
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("end", () => socket.end());
    socket.on("data", (chunk) => {
      pending += chunk.toString("latin1");
      while (pending.includes("\r\n\r\n")) {
        const { request, rest } = takeMessage(pending);
        if (request === undefined) return;
        pending = rest;
        seen.requests.push(request);
        const text = answer(request, socket);
        if (text !== undefined) socket.write(text, "latin1");
      }
    });
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, seen, close };
}

function takeMessage(text: string): { request: string | undefined; rest: string } {
  const end = text.indexOf("\r\n\r\n") + 4;
  const head = text.slice(0, end);
  const length = /content-length: *(\d+)/i.exec(head);
  let size = length === null ? 0 : Number(length[1]);
  if (/transfer-encoding: *chunked/i.test(head)) {
    const last = text.indexOf("0\r\n\r\n", end);
    if (last < 0) return { request: undefined, rest: text };
    size = last + 5 - end;
  }
  if (text.length < end + size) return { request: undefined, rest: text };
  return { request: text.slice(0, end + size), rest: text.slice(end + size) };
}

export function respond(body: string, head = "HTTP/1.1 200 OK\r\n"): string {
  return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends bytes and collects the answer until `enough` holds or the server closes. */
export function exchange(
  port: number,
  bytes: string | Buffer,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (!enough(text)) return;
      socket.destroy();
      resolve(text);
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? resolve(text) : reject(error)));
    socket.write(bytes, "latin1");
  });
}

/** Waits for what comes by itself, asking again and again. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  if (!condition()) throw new Error("what was waited for did not happen");
}
