import { WebSocket } from "ws";
import { AppError, type ErrorReport } from "#api/errors.ts";
import type { CallName, Calls, StreamName, Streams } from "#api/rpc/contract.ts";
import type { ClientMessage, HostMessage } from "#api/rpc/messages.ts";

/** The command line's end of the contract. */
export interface RpcClient {
  call<Name extends CallName>(
    name: Name,
    params: Calls[Name]["params"],
    signal?: AbortSignal,
  ): Promise<Calls[Name]["result"]>;
  /** Events until the stream ends, the consumer stops or the connection is lost (then it throws). */
  stream<Name extends StreamName>(
    name: Name,
    params: Streams[Name]["params"],
    signal?: AbortSignal,
  ): AsyncIterable<Streams[Name]["event"]>;
  close(): void;
}

interface Waiting {
  onResult(result: unknown): void;
  onEvents(events: readonly unknown[]): void;
  onEnd(error: Error | undefined): void;
}

/** Connects to a running host. Throws CONNECTION_LOST if nobody answers there. */
export async function connectRpc(url: string, token: string): Promise<RpcClient> {
  const socket = new WebSocket(new URL("rpc", url.replace(/^http/, "ws")), `slipway.${token}`);
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (cause) =>
      reject(new AppError("CONNECTION_LOST", `cannot reach Slipway at ${url}`, { cause })),
    );
  });
  socket.on("message", (data) => dispatch(waiting, JSON.parse(data.toString()) as HostMessage));
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    for (const entry of waiting.values())
      entry.onEnd(new AppError("CONNECTION_LOST", "the connection to Slipway was lost"));
    waiting.clear();
  });
  const send = (message: ClientMessage): void => socket.send(JSON.stringify(message));

  return {
    call: (name, params, signal) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        const onAbort = (): void => {
          send({ type: "close", id });
          waiting.delete(id);
          reject(signal?.reason);
        };
        const finish = (): void => {
          waiting.delete(id);
          signal?.removeEventListener("abort", onAbort);
        };
        waiting.set(id, {
          onResult: (result) => {
            finish();
            resolve(result as Calls[typeof name]["result"]);
          },
          onEvents: () => {},
          onEnd: (error) => {
            finish();
            reject(error ?? new AppError("INTERNAL", `${name} ended without a result`));
          },
        });
        signal?.addEventListener("abort", onAbort);
        send({ type: "call", id, name, params });
      }),
    stream: (name, params, signal) => {
      const id = nextId++;
      const queue = new EventQueue<Streams[typeof name]["event"]>(() => {
        waiting.delete(id);
        if (socket.readyState === socket.OPEN) send({ type: "close", id });
      });
      waiting.set(id, {
        onResult: () => {},
        onEvents: (events) => queue.push(events as readonly Streams[typeof name]["event"][]),
        onEnd: (error) => queue.end(error),
      });
      signal?.addEventListener("abort", () => queue.end(undefined));
      send({ type: "open", id, name, params });
      return queue;
    },
    close: () => socket.close(),
  };
}

function dispatch(waiting: ReadonlyMap<number, Waiting>, message: HostMessage): void {
  const entry = waiting.get(message.id);
  if (entry === undefined) return;
  switch (message.type) {
    case "result":
      return entry.onResult(message.result);
    case "events":
      return entry.onEvents(message.events);
    case "error":
      return entry.onEnd(fromReport(message.error));
    case "end":
      return entry.onEnd(message.error === undefined ? undefined : fromReport(message.error));
  }
}

function fromReport({ code, message, hint, detail }: ErrorReport): AppError {
  return new AppError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
  });
}

/** Hands events that arrive at any time to one consumer that asks for them. */
class EventQueue<Event> implements AsyncIterable<Event> {
  #events: Event[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #onStop: () => void;

  constructor(onStop: () => void) {
    this.#onStop = onStop;
  }

  push(events: readonly Event[]): void {
    this.#events.push(...events);
    this.#wake?.();
  }

  end(error: Error | undefined): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Event> {
    try {
      for (;;) {
        while (this.#events.length > 0) yield this.#events.shift()!;
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#onStop();
    }
  }
}

/** The first event of a stream, which is the current state. */
export async function first<Event>(stream: AsyncIterable<Event>): Promise<Event> {
  for await (const event of stream) return event;
  throw new AppError("CONNECTION_LOST", "the stream ended before its first event");
}
