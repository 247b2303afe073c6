import type { CallName, Calls, StreamName, Streams } from "#api/rpc/contract.ts";

/** The host's side of the contract: one function per call, one per stream. A new entry in the contract fails to compile here until it has one. */
export type CallHandlers = {
  readonly [Name in CallName]: (params: Calls[Name]["params"], signal: AbortSignal) => Promise<Calls[Name]["result"]>;
};

export type StreamHandlers = {
  readonly [Name in StreamName]: (
    params: Streams[Name]["params"],
    sink: StreamSink<Streams[Name]["event"]>,
  ) => Disposer;
};

export interface StreamSink<Event> {
  push(event: Event): void;
  /** Ends the stream from the host's side, with an error if there was one. */
  end(error?: unknown): void;
}

export type Disposer = () => void;
