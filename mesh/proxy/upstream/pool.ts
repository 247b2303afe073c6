import type { OnReadOpts } from "node:net";
import type { Duplex } from "node:stream";
import type { CircuitBreaker } from "../../lib/breaker/circuit-breaker.ts";
import { ClientConnection } from "../http1/client-connection.ts";
import { type ConnectSource, localTextOf, openConnection } from "./connect.ts";
import type { Host } from "./host.ts";
import { type UpstreamProof, type UpstreamTls, unproven } from "./transport.ts";

/** Who waits for a connection. */
export interface PoolClient {
  onConnection(connection: PooledConnection): void;
  onPoolFailure(failure: PoolFailure): void;
}

export interface PoolFailure {
  readonly kind: "overflow" | "connect";
  readonly reason: string;
}

export interface PooledConnection extends ClientConnection {}

export interface PoolOptions {
  readonly host: Host;
  readonly tls: UpstreamTls | undefined;
  readonly breaker: CircuitBreaker;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly localAddress: string | undefined;
  /** 0 for no limit. */
  readonly maxRequestsPerConnection: number;
  readonly readBuffer: Buffer;
  readonly from: ConnectSource;
  readonly connectFailed: () => void;
}

/** Keep-alive connections to one host. The one used last is taken first, so that surplus ones grow old and close. */
export class HostPool {
  readonly tls: UpstreamTls | undefined;
  /** From the last handshake. */
  #proof: UpstreamProof = unproven;
  readonly #options: PoolOptions;
  readonly #idle: ClientConnection[] = [];
  readonly #waiting: PoolClient[] = [];
  readonly #all = new Set<ClientConnection>();
  #connecting = 0;
  /** To resume with, as long as keys and roots are those that it was made with. */
  #session: { readonly ticket: Buffer; readonly material: unknown } | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.tls = options.tls;
  }

  /** URI SAN of the host's certificate; empty without one. */
  get peerUri(): string {
    return this.#proof.peerUri;
  }

  /** URI SAN of the certificate that hosts are shown. */
  get localUri(): string {
    const material = this.tls?.context.current();
    return material !== undefined && "localUri" in material ? material.localUri : this.#proof.localUri;
  }

  get mutual(): boolean {
    return this.tls?.mutual === true || this.#proof.mutual;
  }

  get unused(): boolean {
    return this.#all.size === 0 && this.#waiting.length === 0 && this.#connecting === 0;
  }

  /** Gives a connection now or later, or says why there is none. */
  acquire(client: PoolClient): void {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.alive) continue;
      client.onConnection(idle);
      return;
    }
    const { breaker } = this.#options;
    if (!breaker.canQueue) {
      client.onPoolFailure({ kind: "overflow", reason: "" });
      return;
    }
    breaker.pending += 1;
    this.#waiting.push(client);
    // As in Envoy, a pool without any connection may always open one.
    if (breaker.canConnect || this.#all.size + this.#connecting === 0) this.#connect();
  }

  /** Stops waiting. */
  cancel(client: PoolClient): void {
    const index = this.#waiting.indexOf(client);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#options.breaker.pending -= 1;
  }

  #connect(): void {
    const { host, breaker, readBuffer } = this.#options;
    this.#connecting += 1;
    breaker.connections += 1;
    host.activeConnections += 1;
    let connection: ClientConnection | undefined;
    const { from } = this.#options;
    // A socket that was made beforehand cannot be given a buffer any more, and what is no socket never could.
    const buffered = from.prepared === undefined && host.description.internal === undefined;
    const material = this.tls?.context.current();
    const session = this.#session;
    const received = (length: number, buffer: Buffer): boolean => connection?.received(buffer, length) ?? true;
    const onread: OnReadOpts = { buffer: readBuffer, callback: (length, buffer) => received(length, buffer as Buffer) };
    openConnection(
      {
        host: host.description,
        tls: this.tls,
        localAddress: this.#options.localAddress,
        timeoutMs: this.#options.connectTimeoutMs,
        onread: buffered ? onread : undefined,
        session: session !== undefined && session.material === material ? session.ticket : undefined,
        from,
      },
      {
        connected: (socket, proof) => {
          // A resumed session shows no certificate again: the host is the one that showed it before.
          if (proof.peerUri !== "" || this.#proof.peerUri === "") this.#proof = proof;
          if (!buffered) socket.on("data", (chunk: Buffer) => received(chunk.length, chunk));
          connection = this.#connected(socket);
        },
        failed: (reason) => this.#failed(reason),
        session: (ticket) => {
          this.#session = { ticket, material };
        },
      },
    );
  }

  #connected(socket: Duplex): ClientConnection {
    this.#connecting -= 1;
    const connection = new ClientConnection(socket, localTextOf(socket), {
      released: (one, reusable) => this.#released(one, reusable),
      closed: (one) => this.#gone(one),
    });
    this.#all.add(connection);
    if (this.#closed) connection.destroy();
    else this.#offer(connection);
    return connection;
  }

  #failed(reason: string): void {
    const { host, breaker } = this.#options;
    this.#connecting -= 1;
    breaker.connections -= 1;
    host.activeConnections -= 1;
    host.connectFailures += 1;
    this.#session = undefined;
    this.#options.connectFailed();
    const client = this.#waiting.shift();
    if (client === undefined) return;
    breaker.pending -= 1;
    client.onPoolFailure({ kind: "connect", reason });
    if (this.#waiting.length > this.#connecting && breaker.canConnect) this.#connect();
  }

  /** To whoever waits longest, else to the idle ones. */
  #offer(connection: ClientConnection): void {
    const client = this.#waiting.shift();
    if (client !== undefined) {
      this.#options.breaker.pending -= 1;
      client.onConnection(connection);
      return;
    }
    connection.idleSince = Date.now();
    this.#idle.push(connection);
  }

  #released(connection: ClientConnection, reusable: boolean): void {
    const limit = this.#options.maxRequestsPerConnection;
    const spent = limit > 0 && connection.requests >= limit;
    if (!reusable || spent || this.#closed) connection.destroy();
    else this.#offer(connection);
  }

  #gone(connection: ClientConnection): void {
    if (!this.#all.delete(connection)) return;
    const { breaker, host } = this.#options;
    breaker.connections -= 1;
    host.activeConnections -= 1;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#waiting.length > this.#connecting && breaker.canConnect) this.#connect();
  }

  /** Closes connections that nobody used for too long. */
  sweep(now: number): void {
    for (const connection of [...this.#idle]) {
      if (now - connection.idleSince > this.#options.idleTimeoutMs) connection.destroy();
    }
  }

  /** Idle connections close now, busy ones after their response. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#idle]) connection.destroy();
  }
}
