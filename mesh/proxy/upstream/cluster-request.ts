import { Head } from "../http1/head.ts";
import type { BodyPart, Upstream, UpstreamHandler, UpstreamReset } from "../http1/streams.ts";
import type { ClusterRuntime } from "./cluster.ts";
import type { ClusterSlot } from "./cluster-slot.ts";
import type { Host } from "./host.ts";
import type { HostPool, PoolClient, PooledConnection, PoolFailure } from "./pool.ts";

/** A request of the proxy's own, to a cluster. */
export interface OwnRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** Of the connection that it is made for. */
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

export interface OwnResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

const maxBody = 1024 * 1024;

/**
 * Sends a request by a cluster's own connections (with its TLS and limits) and collects the answer. Rejects with the reason where
 * there is none. Not retried; only a kept connection that its server closed just then is replaced, where RFC 9110 9.2.2 allows it.
 */
export function requestCluster(slot: ClusterSlot, request: OwnRequest, signal: AbortSignal): Promise<OwnResponse> {
  return new Promise((resolve, reject) => {
    new ClusterRequest(slot, request, { resolve, reject }).start(signal);
  });
}

interface Settle {
  resolve(response: OwnResponse): void;
  reject(reason: Error): void;
}

class ClusterRequest implements PoolClient, UpstreamHandler {
  readonly #slot: ClusterSlot;
  readonly #request: OwnRequest;
  readonly #settle: Settle;
  #cluster: ClusterRuntime | undefined;
  #host: Host | undefined;
  #pool: HostPool | undefined;
  #upstream: Upstream | undefined;
  #status = 0;
  #headers: (readonly [string, string])[] = [];
  #body: Buffer[] = [];
  #size = 0;
  #over = false;
  #repeated = false;

  constructor(slot: ClusterSlot, request: OwnRequest, settle: Settle) {
    this.#slot = slot;
    this.#request = request;
    this.#settle = settle;
  }

  start(signal: AbortSignal): void {
    const give = (): void => this.#fail(signal.reason instanceof Error ? signal.reason.message : "cancelled");
    if (signal.aborted) return give();
    signal.addEventListener("abort", give, { once: true });
    this.#attempt();
  }

  #attempt(): void {
    const cluster = this.#slot.current;
    if (cluster === undefined) return this.#fail(`there is no cluster ${this.#slot.name}`);
    if (!cluster.breaker.canRequest) return this.#fail("too many requests are under way");
    const { destinationAddress, destinationPort } = this.#request;
    const host = cluster.pick({ hash: undefined, destinationAddress, destinationPort, tried: undefined, attempts: 0 });
    if (host === undefined) return this.#fail("no endpoint is healthy");
    this.#cluster = cluster;
    this.#host = host;
    this.#pool = cluster.poolOf(host);
    cluster.breaker.requests += 1;
    host.activeRequests += 1;
    host.totalRequests += 1;
    this.#pool.acquire(this);
  }

  onConnection(connection: PooledConnection): void {
    this.#upstream = connection;
    connection.attach(this);
    connection.send(headOf(this.#request), bodyOf(this.#request.body));
  }

  onPoolFailure(failure: PoolFailure): void {
    this.#fail(failure.kind === "overflow" ? "too many requests wait" : failure.reason);
  }

  onResponse(head: Head, part: BodyPart): void {
    if (this.#host !== undefined) this.#cluster?.noteStatus(this.#host, head.status);
    this.#status = head.status;
    this.#headers = head.entries();
    this.#take(part);
  }

  onResponseBody(part: BodyPart): void {
    this.#take(part);
  }

  #take(part: BodyPart): void {
    const ranges = part.framing === "chunked" ? part.data : [part.start, part.end];
    for (let index = 0; index + 1 < ranges.length; index += 2) {
      const bytes = part.buffer.subarray(ranges[index], ranges[index + 1]);
      this.#size += bytes.length;
      this.#body.push(Buffer.from(bytes));
    }
    if (this.#size > maxBody) return this.#fail("the answer is too long");
    if (!part.last) return;
    this.#upstream = undefined;
    if (this.#end())
      this.#settle.resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#body) });
  }

  onContinue(): void {}

  onUpstreamDrain(): void {}

  onUpstreamReset(reason: UpstreamReset): void {
    const stale = reason === "connection_termination" && this.#upstream?.reused === true && this.#status === 0;
    const idempotent = /^(?:GET|HEAD|OPTIONS)$/.test(this.#request.method);
    this.#upstream = undefined;
    if (stale && idempotent && !this.#repeated) {
      this.#repeated = true;
      this.#release();
      this.#attempt();
      return;
    }
    if (this.#host !== undefined) this.#cluster?.noteFailure(this.#host);
    this.#fail(reason === "protocol_error" ? "the answer is no HTTP/1.1" : "the connection was closed");
  }

  #fail(reason: string): void {
    if (this.#over) return;
    const { upstream, pool } = { upstream: this.#upstream, pool: this.#pool };
    this.#upstream = undefined;
    this.#end();
    if (upstream === undefined) pool?.cancel(this);
    else upstream.reset();
    this.#settle.reject(new Error(reason));
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#release();
    return true;
  }

  #release(): void {
    if (this.#cluster !== undefined) this.#cluster.breaker.requests -= 1;
    if (this.#host !== undefined) this.#host.activeRequests -= 1;
    this.#cluster = undefined;
    this.#host = undefined;
  }
}

function headOf({ method, path, authority, headers, body }: OwnRequest): Head {
  const head = new Head();
  // The version of who asks: the chunks of an answer are then taken apart.
  head.version = 10;
  head.method = method;
  head.path = path;
  head.setAuthority(authority);
  for (const [name, value] of headers) head.add(name, value);
  head.add("content-length", String(body.length));
  return head;
}

const bodyOf = (buffer: Buffer): BodyPart => ({
  buffer,
  start: 0,
  end: buffer.length,
  last: true,
  owned: true,
  framing: buffer.length === 0 ? "none" : "length",
  closing: "",
  data: [],
});
