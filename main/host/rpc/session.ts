import { AppError, toErrorReport } from "#api/errors.ts";
import type { CallName, StreamName } from "#api/rpc/contract.ts";
import type { ClientMessage, HostMessage } from "#api/rpc/messages.ts";
import type { CallHandlers, Disposer, StreamHandlers } from "./handlers.ts";

/** Events that may wait for a slow reader before its oldest are dropped. */
const MAX_QUEUED = 1000;

export interface Transport {
  send(message: HostMessage): void;
  /** Bytes that wait in the transport; above the limit, events stay in the session's own queues. */
  bufferedBytes(): number;
}

/** One client: dispatches its calls, keeps its streams, batches their events to one message per stream and turn. */
export class Session {
  readonly #transport: Transport;
  readonly #calls: CallHandlers;
  readonly #streams: StreamHandlers;
  readonly #open = new Map<number, OpenStream>();
  readonly #running = new Map<number, AbortController>();
  #flushScheduled = false;

  constructor(transport: Transport, handlers: { calls: CallHandlers; streams: StreamHandlers }) {
    this.#transport = transport;
    this.#calls = handlers.calls;
    this.#streams = handlers.streams;
  }

  receive(message: ClientMessage): void {
    switch (message.type) {
      case "call":
        void this.#call(message.id, message.name, message.params);
        return;
      case "open":
        this.#openStream(message.id, message.name, message.params);
        return;
      case "close":
        this.#running.get(message.id)?.abort(new AppError("CANCELLED", "cancelled by the client"));
        this.#closeStream(message.id);
        return;
    }
  }

  /** Ends everything that this client had open. */
  dispose(): void {
    for (const id of [...this.#open.keys()]) this.#closeStream(id);
    for (const controller of this.#running.values())
      controller.abort(new AppError("CONNECTION_LOST", "the client went away"));
  }

  async #call(id: number, name: CallName, params: unknown): Promise<void> {
    const handler = this.#calls[name] as ((params: unknown, signal: AbortSignal) => Promise<unknown>) | undefined;
    if (handler === undefined)
      return this.#fail(id, new AppError("BAD_REQUEST", `there is no call named ${String(name)}`));
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const result = await handler(params, controller.signal);
      this.#transport.send({ type: "result", id, result });
    } catch (error) {
      this.#fail(id, error);
    } finally {
      this.#running.delete(id);
    }
  }

  #openStream(id: number, name: StreamName, params: unknown): void {
    const handler = this.#streams[name] as ((params: unknown, sink: OpenStream) => Disposer) | undefined;
    if (handler === undefined)
      return this.#fail(id, new AppError("BAD_REQUEST", `there is no stream named ${String(name)}`));
    if (this.#open.has(id)) return this.#fail(id, new AppError("BAD_REQUEST", `stream ${id} is already open`));
    const stream = new OpenStream(
      () => this.#scheduleFlush(),
      (error) => this.#endStream(id, error),
    );
    this.#open.set(id, stream);
    try {
      stream.dispose = handler(params, stream);
      if (!this.#open.has(id)) stream.dispose(); // it ended while it was opened
    } catch (error) {
      this.#endStream(id, error);
    }
  }

  #endStream(id: number, error: unknown): void {
    const stream = this.#open.get(id);
    if (stream === undefined) return;
    this.#send(id, stream);
    this.#closeStream(id);
    this.#transport.send({ type: "end", id, error: error === undefined ? undefined : toErrorReport(error) });
  }

  #closeStream(id: number): void {
    const stream = this.#open.get(id);
    this.#open.delete(id);
    stream?.dispose?.();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#transport.bufferedBytes() > 4_000_000) {
      this.#flushScheduled = true;
      setTimeout(() => this.#flush(), 50).unref();
      return;
    }
    for (const [id, stream] of this.#open) this.#send(id, stream);
  }

  #send(id: number, stream: OpenStream): void {
    const events = stream.take();
    if (events.length > 0) this.#transport.send({ type: "events", id, events });
  }

  #fail(id: number, error: unknown): void {
    this.#transport.send({ type: "error", id, error: toErrorReport(error) });
  }
}

class OpenStream {
  dispose: Disposer | undefined;
  #queue: unknown[] = [];
  readonly #changed: () => void;
  readonly #ended: (error: unknown) => void;

  constructor(changed: () => void, ended: (error: unknown) => void) {
    this.#changed = changed;
    this.#ended = ended;
  }

  push(event: unknown): void {
    if (this.#queue.length >= MAX_QUEUED) this.#queue.shift();
    this.#queue.push(event);
    this.#changed();
  }

  end(error?: unknown): void {
    this.#ended(error);
  }

  take(): readonly unknown[] {
    const events = this.#queue;
    this.#queue = [];
    return events;
  }
}
