import type { Service, Workload } from "#gen/istio/istio/workload/workload.ts";
import type { Fields, Log } from "../log.ts";
import type { TcpMetrics } from "./metrics.ts";

export interface ConnectionEnd {
  /** ip:port. */
  readonly address: string;
  readonly workload: Workload | undefined;
  /** SPIFFE id that was proven, or for plaintext undefined. */
  readonly identity: string | undefined;
}

/** What is known of a connection when it is opened. */
export interface ConnectionInfo {
  readonly direction: "inbound" | "outbound";
  readonly source: ConnectionEnd;
  readonly destination: ConnectionEnd & {
    /** Where the tunnel leads, where the address above is the tunnel's. */
    readonly inner: string | undefined;
    readonly service: Service | undefined;
  };
  readonly mutualTls: boolean;
  /** "namespace/name" of the policy that let it in, where one had to. */
  readonly policy?: string | undefined;
}

export type ConnectionFlag = "-" | "CONNECT" | "DENY";

export interface ConnectionResult {
  /** Bytes of the answer, and of the request. */
  readonly sent: number;
  readonly received: number;
  readonly error?: string | undefined;
  readonly flag?: ConnectionFlag;
}

/** A connection that was let in. */
export interface OpenConnection {
  readonly id: number;
  readonly info: ConnectionInfo;
  readonly openedAt: number;
  /** Reports it once; what comes after is left out. */
  end(result: ConnectionResult): void;
}

interface Tracked extends OpenConnection {
  readonly cut: (reason: string) => void;
  readonly refused: (() => string | undefined) | undefined;
}

export interface TrackOptions {
  /** Ends it at once. */
  readonly cut: (reason: string) => void;
  /** Asked when policies have changed: why it may no longer be, or undefined. */
  readonly refused?: () => string | undefined;
}

/** All connections of the node: what is open, what is said about each, and which ones changed policies no longer allow. */
export class Connections {
  readonly #log: Log;
  readonly #metrics: TcpMetrics;
  readonly #now: () => number;
  readonly #open = new Map<number, Tracked>();
  #last = 0;

  constructor(options: { readonly log: Log; readonly metrics: TcpMetrics; readonly now?: () => number }) {
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#now = options.now ?? Date.now;
  }

  get open(): Iterable<OpenConnection> {
    return this.#open.values();
  }

  get count(): number {
    return this.#open.size;
  }

  track(info: ConnectionInfo, { cut, refused }: TrackOptions): OpenConnection {
    const id = ++this.#last;
    const openedAt = this.#now();
    this.#metrics.opened(info, "-");
    const tracked: Tracked = {
      id,
      info,
      openedAt,
      cut,
      refused,
      end: (result) => {
        if (!this.#open.delete(id)) return;
        this.#metrics.closed(info, result);
        this.#write(info, result, this.#now() - openedAt);
      },
    };
    this.#open.set(id, tracked);
    return tracked;
  }

  /** A connection that never came to be. */
  failed(info: ConnectionInfo, { error, flag }: { readonly error: string; readonly flag: ConnectionFlag }): void {
    const result = { sent: 0, received: 0, error, flag };
    this.#metrics.opened(info, flag);
    this.#metrics.closed(info, result);
    this.#write(info, result, 0);
  }

  /** Cuts what is not allowed any more. */
  recheck(): void {
    for (const connection of [...this.#open.values()]) {
      const reason = connection.refused?.();
      if (reason !== undefined) connection.cut(reason);
    }
  }

  #write(info: ConnectionInfo, { sent, received, error }: ConnectionResult, durationMs: number): void {
    const { source, destination, direction, policy } = info;
    const fields: Fields = {
      "src.addr": source.address,
      ...end("src", source),
      "dst.addr": destination.address,
      "dst.hbone_addr": destination.inner,
      "dst.service": destination.service?.hostname,
      ...end("dst", destination),
      direction,
      policy,
      bytes_sent: sent,
      bytes_recv: received,
      duration: `${durationMs}ms`,
      error,
    };
    this.#log.write(error === undefined ? "info" : "error", "access", { message: "connection complete", fields });
  }
}

const end = (side: "src" | "dst", { workload, identity }: ConnectionEnd): Fields => ({
  [`${side}.workload`]: workload?.name,
  [`${side}.namespace`]: workload?.namespace,
  [`${side}.identity`]: identity,
});
