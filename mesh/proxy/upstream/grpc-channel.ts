import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { ClusterSlot } from "./cluster-slot.ts";
import { openConnection } from "./connect.ts";
import type { Host } from "./host.ts";

/** A call that is one message each way. */
export interface UnaryCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Uint8Array;
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

const maxMessage = 4 * 1024 * 1024;
const idleMs = 60_000;
/** One byte that says whether the message is compressed, four of its length. Source: gRPC over HTTP/2. */
const prefixBytes = 5;

/** Calls of gRPC by a cluster's endpoints and its TLS, several on one connection. */
export class GrpcChannel {
  readonly #slot: ClusterSlot;
  readonly #authority: string;
  readonly #sessions = new WeakMap<Host, Promise<ClientHttp2Session>>();

  constructor(slot: ClusterSlot, authority: string) {
    this.#slot = slot;
    this.#authority = authority;
  }

  /** The answer's message. Rejects with the reason where there is none. */
  async unary(call: UnaryCall, signal: AbortSignal): Promise<Buffer> {
    const cluster = this.#slot.current;
    if (cluster === undefined) throw new Error(`there is no cluster ${this.#slot.name}`);
    if (!cluster.breaker.canRequest) throw new Error("too many requests are under way");
    const { destinationAddress, destinationPort } = call;
    const host = cluster.pick({ hash: undefined, destinationAddress, destinationPort, tried: undefined, attempts: 0 });
    if (host === undefined) throw new Error("no endpoint is healthy");
    cluster.breaker.requests += 1;
    host.activeRequests += 1;
    host.totalRequests += 1;
    try {
      const session = await this.#sessionTo(host);
      signal.throwIfAborted();
      return await unary(session, { ...call, authority: this.#authority }, signal);
    } catch (error) {
      if (!signal.aborted) cluster.noteFailure(host);
      throw error;
    } finally {
      cluster.breaker.requests -= 1;
      host.activeRequests -= 1;
    }
  }

  #sessionTo(host: Host): Promise<ClientHttp2Session> {
    const open = this.#sessions.get(host);
    if (open !== undefined) return open;
    const opening = this.#open(host);
    this.#sessions.set(host, opening);
    const forget = (): void => {
      if (this.#sessions.get(host) === opening) this.#sessions.delete(host);
    };
    opening.then((session) => {
      for (const event of ["close", "goaway", "error"]) session.once(event, forget);
    }, forget);
    return opening;
  }

  #open(host: Host): Promise<ClientHttp2Session> {
    const cluster = this.#slot.current;
    if (cluster === undefined) return Promise.reject(new Error(`there is no cluster ${this.#slot.name}`));
    const { config, environment } = cluster;
    return new Promise((resolve, reject) => {
      openConnection(
        {
          host: host.description,
          tls: config.transport(host.description.transportMatch),
          localAddress: config.localAddress,
          timeoutMs: config.connectTimeoutMs,
          onread: undefined,
          session: undefined,
          from: environment,
        },
        {
          connected: (socket) => {
            const session = connect("http://authorizer", { createConnection: () => socket });
            session.on("error", () => session.destroy());
            session.setTimeout(idleMs, () => session.close());
            resolve(session);
          },
          failed: (reason) => reject(new Error(reason)),
        },
      );
    });
  }
}

function unary(
  session: ClientHttp2Session,
  call: UnaryCall & { readonly authority: string },
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":scheme": "http",
      ":path": call.path,
      ":authority": call.authority,
      "content-type": "application/grpc",
      te: "trailers",
      ...(call.timeoutMs > 0 ? { "grpc-timeout": `${Math.ceil(call.timeoutMs)}m` } : {}),
    });
    const cancel = (): void => {
      stream.close(constants.NGHTTP2_CANCEL);
      reject(signal.reason instanceof Error ? signal.reason : new Error("cancelled"));
    };
    signal.addEventListener("abort", cancel, { once: true });
    const answer = collect(stream);
    stream.once("error", reject);
    stream.once("close", () => {
      signal.removeEventListener("abort", cancel);
      const problem = answer.problem();
      if (problem === undefined) resolve(answer.message());
      else reject(new Error(problem));
    });
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32BE(call.message.length, 1);
    stream.end(Buffer.concat([prefix, call.message]));
  });
}

/** Head, message and trailers of an answer. */
function collect(stream: ClientHttp2Stream) {
  const parts: Buffer[] = [];
  let size = 0;
  let httpStatus = 0;
  let status: string | undefined;
  let text = "";
  const note = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
    if (headers["grpc-message"] !== undefined) text = String(headers["grpc-message"]);
  };
  stream.on("response", (headers) => {
    httpStatus = headers[":status"] ?? 0;
    note(headers);
  });
  stream.on("trailers", note);
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxMessage) stream.close(constants.NGHTTP2_CANCEL);
    else parts.push(chunk);
  });
  return {
    problem: (): string | undefined => {
      if (httpStatus === 0) return "the connection was closed";
      if (httpStatus !== 200) return `it answered HTTP ${httpStatus}`;
      if (status !== "0") return `it answered gRPC status ${status ?? "none"}${text === "" ? "" : ` (${text})`}`;
      return size < prefixBytes ? "its answer is empty" : undefined;
    },
    message: (): Buffer => Buffer.concat(parts).subarray(prefixBytes),
  };
}
