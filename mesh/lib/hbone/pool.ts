import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import { CONNECTION_WINDOW, hboneSettings, MAX_STREAMS, SESSION_MEMORY } from "./settings.ts";

/** Why a tunnel could not be opened, in words for the log. */
export class TunnelError extends Error {
  override readonly name = "TunnelError";
  /** Status of the peer's refusal; undefined where there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export interface TunnelTarget {
  /** Streams share a connection where this is the same: the address, and who the peer must prove to be. */
  readonly key: string;
  /** Connects and agrees on TLS and h2 with a peer that proved to be who is meant. Rejects with TunnelError. */
  readonly secure: () => Promise<TLSSocket>;
}

export interface PoolOptions {
  /** A connection without streams is kept this long. */
  readonly idleMs?: number;
}

interface Pooled {
  readonly session: Promise<ClientHttp2Session>;
  streams: number;
  usable: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** HBONE connections of one identity, with the streams of each. */
export class TunnelPool {
  readonly #options: PoolOptions;
  readonly #connections = new Map<string, Set<Pooled>>();

  constructor(options: PoolOptions = {}) {
    this.#options = options;
  }

  /** Opens a stream and waits until the peer has accepted it. Rejects with TunnelError. */
  async open(target: TunnelTarget, headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream> {
    // A connection that the peer is just closing does not answer any more: then a new one serves.
    for (let attempt = 0; ; attempt++) {
      const pooled = this.#take(target, attempt > 0);
      try {
        return await this.#openOn(pooled, headers);
      } catch (error) {
        if (attempt > 0 || !(error instanceof RefusedStream)) throw tunnelError(error);
      }
    }
  }

  /** Connections, for the admin port. */
  get size(): number {
    return [...this.#connections.values()].reduce((sum, set) => sum + set.size, 0);
  }

  /** Ends what is idle; streams go on. */
  drain(): void {
    for (const pooled of this.#all()) void pooled.session.then((session) => session.close()).catch(() => undefined);
  }

  destroy(): void {
    for (const pooled of this.#all()) void pooled.session.then((session) => session.destroy()).catch(() => undefined);
    this.#connections.clear();
  }

  #all(): readonly Pooled[] {
    return [...this.#connections.values()].flatMap((set) => [...set]);
  }

  #take(target: TunnelTarget, fresh: boolean): Pooled {
    const { key } = target;
    const set = this.#connections.get(key) ?? new Set();
    this.#connections.set(key, set);
    const free = [...set].find(({ usable, streams }) => usable && streams < MAX_STREAMS);
    const pooled = fresh || free === undefined ? this.#connect(target, key, set) : free;
    clearTimeout(pooled.idle);
    pooled.streams++;
    return pooled;
  }

  #connect(target: TunnelTarget, key: string, set: Set<Pooled>): Pooled {
    const pooled: Pooled = { session: this.#session(target), streams: 0, usable: true, idle: undefined };
    set.add(pooled);
    const forget = (): void => {
      pooled.usable = false;
      clearTimeout(pooled.idle);
      set.delete(pooled);
      if (set.size === 0 && this.#connections.get(key) === set) this.#connections.delete(key);
    };
    pooled.session.then((session) => {
      session.once("goaway", () => {
        pooled.usable = false;
      });
      session.once("close", forget);
      if (session.destroyed) forget();
    }, forget);
    return pooled;
  }

  async #openOn(pooled: Pooled, headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream> {
    let stream: ClientHttp2Stream;
    try {
      const session = await pooled.session;
      if (session.closed || session.destroyed) throw new RefusedStream("the connection was closed");
      stream = session.request({ ":method": "CONNECT", ...headers }, { endStream: false });
    } catch (error) {
      this.#giveBack(pooled);
      throw error;
    }
    stream.once("close", () => this.#giveBack(pooled));
    return accepted(stream);
  }

  #giveBack(pooled: Pooled): void {
    if (--pooled.streams > 0 || !pooled.usable) return;
    const end = (): void => void pooled.session.then((session) => session.close()).catch(() => undefined);
    pooled.idle = setTimeout(end, this.#options.idleMs ?? 60_000).unref();
  }

  async #session(target: TunnelTarget): Promise<ClientHttp2Session> {
    const tls = await target.secure();
    const session = connectHttp2("https://hbone", {
      createConnection: () => tls,
      settings: hboneSettings,
      maxSessionMemory: SESSION_MEMORY,
    });
    session.on("error", () => undefined);
    await new Promise<void>((resolve, reject) => {
      session.once("connect", () => resolve());
      session.once("close", () => reject(new TunnelError("the peer closed the connection at once")));
    });
    session.setLocalWindowSize(CONNECTION_WINDOW);
    return session;
  }
}

/** No answer came: nothing was passed on yet, so that it may be tried again. */
class RefusedStream extends Error {}

function accepted(stream: ClientHttp2Stream): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(new RefusedStream(error.message));
    const onClose = (): void => reject(new RefusedStream("the peer closed the stream without an answer"));
    stream.once("error", onError);
    stream.once("close", onClose);
    stream.once("response", ({ ":status": status }) => {
      stream.off("error", onError).off("close", onClose);
      if (status === 200) return resolve(stream);
      stream.on("error", () => undefined);
      stream.close();
      reject(new TunnelError(`the peer refused with status ${status}`, status));
    });
  });
}

function tunnelError(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  return new TunnelError(`the tunnel could not be opened: ${error instanceof Error ? error.message : String(error)}`);
}
