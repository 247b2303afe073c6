import type { ErrorReport } from "#api/errors.ts";
import type { CallName, Calls, StreamName, Streams } from "#api/rpc/contract.ts";
import type { HostMessage } from "#api/rpc/messages.ts";
import { openTransport, type Transport } from "./transport.ts";

/** An error of the host as the interface shows it. */
export class HostError extends Error {
  override readonly name = "HostError";
  readonly report: ErrorReport;

  constructor(report: ErrorReport) {
    super(report.message);
    this.report = report;
  }
}

export interface StreamListener<Event> {
  onEvents(events: readonly Event[]): void;
  onEnd?(error: ErrorReport | undefined): void;
}

export type Connection =
  | { readonly state: "open" }
  | { readonly state: "connecting" }
  | { readonly state: "lost"; readonly retryAt: number };

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface OpenStream {
  readonly name: StreamName;
  readonly params: unknown;
  readonly listener: StreamListener<unknown>;
}

const MAX_RETRY_MS = 5000;

/** One connection to the host for the whole page. Streams are opened again after the connection was lost; calls fail then. */
export class HostClient {
  #transport: Transport | undefined;
  #connection: Connection = { state: "connecting" };
  #nextId = 1;
  #failures = 0;
  readonly #calls = new Map<number, PendingCall>();
  readonly #streams = new Map<number, OpenStream>();
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.#connect();
  }

  get connection(): Connection {
    return this.#connection;
  }

  onConnection(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  call<Name extends CallName>(name: Name, params: Calls[Name]["params"]): Promise<Calls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#connection.state !== "open") {
        reject(new HostError({ code: "CONNECTION_LOST", message: "There is no connection to Slipway right now." }));
        return;
      }
      const id = this.#nextId++;
      this.#calls.set(id, { resolve: (result) => resolve(result as Calls[Name]["result"]), reject });
      this.#transport?.send({ type: "call", id, name, params });
    });
  }

  /** Returns the disposer. */
  stream<Name extends StreamName>(
    name: Name,
    params: Streams[Name]["params"],
    listener: StreamListener<Streams[Name]["event"]>,
  ): () => void {
    const id = this.#nextId++;
    this.#streams.set(id, { name, params, listener: listener as StreamListener<unknown> });
    if (this.#connection.state === "open") this.#transport?.send({ type: "open", id, name, params });
    return () => {
      if (!this.#streams.delete(id)) return;
      if (this.#connection.state === "open") this.#transport?.send({ type: "close", id });
    };
  }

  #connect(): void {
    this.#transport = openTransport({
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#received(message),
      onClose: () => this.#lost(),
    });
  }

  #opened(): void {
    this.#failures = 0;
    this.#set({ state: "open" });
    for (const [id, { name, params }] of this.#streams) this.#transport?.send({ type: "open", id, name, params });
  }

  #lost(): void {
    const error = new HostError({ code: "CONNECTION_LOST", message: "The connection to Slipway was lost." });
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    const wait = Math.min(MAX_RETRY_MS, 250 * 2 ** this.#failures++);
    this.#set({ state: "lost", retryAt: Date.now() + wait });
    setTimeout(() => this.#connect(), wait);
  }

  #received(message: HostMessage): void {
    const call = this.#calls.get(message.id);
    const stream = this.#streams.get(message.id);
    switch (message.type) {
      case "result":
        this.#calls.delete(message.id);
        call?.resolve(message.result);
        return;
      case "error":
        this.#calls.delete(message.id);
        call?.reject(new HostError(message.error));
        if (this.#streams.delete(message.id)) stream?.listener.onEnd?.(message.error);
        return;
      case "events":
        stream?.listener.onEvents(message.events);
        return;
      case "end":
        if (this.#streams.delete(message.id)) stream?.listener.onEnd?.(message.error);
        return;
    }
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    for (const watcher of this.#watchers) watcher();
  }
}
