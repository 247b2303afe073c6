import type { Duplex } from "node:stream";
import { drop } from "../../lib/hbone/stream.ts";
import { BodyReader } from "./body-reader.ts";
import { Head } from "./head.ts";
import { headErrorOf, INCOMPLETE, parseRequestHead } from "./parse-head.ts";
import { reasonOf } from "./reasons.ts";
import { ResponseWriter } from "./response-writer.ts";
import type { BodyPart, Downstream, DownstreamConnection, StreamHandler, TakenOver } from "./streams.ts";

export interface ServerLimits {
  readonly maxHeadBytes: number;
  /** From a head's first byte to its last. */
  readonly headTimeoutMs: number;
  /** Without a request. */
  readonly idleTimeoutMs: number;
  readonly acceptHttp10: boolean;
}

export interface ServerEvents {
  /** A request that never became one: refused by the codec. */
  refused(connection: ServerConnection, status: number, details: string): void;
  closed(connection: ServerConnection): void;
  /** The client speaks HTTP/2: true when somebody else serves the connection from here, with these first bytes. */
  foreign(connection: ServerConnection, bytes: Buffer): boolean;
}

export interface ServerOptions {
  readonly socket: Duplex;
  readonly peer: DownstreamConnection;
  readonly limits: ServerLimits;
  readonly events: ServerEvents;
  readonly handler: (downstream: Downstream) => StreamHandler;
  /** Who serves the requests from now on, asked for each once the connection is to end; undefined if nobody may. */
  readonly successor: (downstream: Downstream) => StreamHandler | undefined;
}

const phase = { head: 0, body: 1, wait: 2, tunnel: 3, closed: 4 } as const;
/** Envoy's delayed_close_timeout. */
const LINGER_MS = 1000;
const STUCK_MS = 60_000;
const HTTP2_PREFACE = "PRI * HTTP/2.0";
const noBytes: Buffer = Buffer.alloc(0);

/** One HTTP/1.1 connection of a client: requests in order, one at a time, the next one read when the last is answered. */
export class ServerConnection implements Downstream {
  readonly connection: DownstreamConnection;
  readonly head: Head = new Head();
  readonly #socket: Duplex;
  readonly #options: ServerOptions;
  readonly #reader: BodyReader = new BodyReader();
  #handler: StreamHandler;
  readonly #part: BodyPart;
  readonly #writer: ResponseWriter;
  #phase: number = phase.head;
  /** Bytes of a head that is not complete yet, or of requests that wait for their turn. */
  #pending: Buffer | undefined;
  #headSince = 0;
  #idleSince: number;
  #unsent = -1;
  #responding = false;
  #responseDone = false;
  #closeAfter = false;
  #pausedByUs = false;
  #readable = true;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#writer = new ResponseWriter(options.socket);
    this.connection = options.peer;
    this.#idleSince = Date.now();
    this.#part = {
      buffer: noBytes,
      start: 0,
      end: 0,
      last: false,
      owned: true,
      framing: "none",
      closing: "",
      data: [],
    };
    this.#handler = options.handler(this);
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onClose());
    socket.on("error", () => this.#onClose());
    socket.on("drain", () => {
      if (this.#responding) this.#handler.onDownstreamDrain();
    });
    // Whoever looked at the first bytes left the socket paused.
    socket.resume();
  }

  get idle(): boolean {
    return this.#phase === phase.head && this.#pending === undefined;
  }

  #onData(chunk: Buffer): void {
    switch (this.#phase) {
      case phase.head:
        this.#onHeadBytes(this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]));
        return;
      case phase.body:
        this.#onBodyBytes(chunk, 0);
        return;
      case phase.wait:
        this.#hold(chunk);
        return;
      default:
        return;
    }
  }

  /** A pipelined request: kept until the one before is answered, without reading further. */
  #hold(chunk: Buffer): void {
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#socket.pause();
    this.#readable = false;
  }

  #onHeadBytes(bytes: Buffer): void {
    const wasPartial = this.#pending !== undefined;
    this.#pending = undefined;
    const end = parseRequestHead(this.head, bytes, 0);
    if (end > INCOMPLETE) {
      if (end > this.#options.limits.maxHeadBytes) this.#refuse(431, "http1.headers_too_large");
      else this.#begin(bytes, end);
      return;
    }
    if (end < INCOMPLETE) {
      if (
        bytes.toString("latin1", 0, HTTP2_PREFACE.length) === HTTP2_PREFACE &&
        this.#options.events.foreign(this, bytes)
      )
        return;
      const problem = headErrorOf(end);
      this.#refuse(problem.status, problem.details);
      return;
    }
    if (bytes.length > this.#options.limits.maxHeadBytes) {
      this.#refuse(431, "http1.headers_too_large");
      return;
    }
    this.#pending = bytes;
    if (!wasPartial) this.#headSince = Date.now();
  }

  #begin(bytes: Buffer, bodyStart: number): void {
    const { head } = this;
    // What has come into force since the connection began holds for this request already.
    if (!this.connection.keepAlive) {
      const successor = this.#options.successor(this);
      if (successor === undefined) {
        this.destroy();
        return;
      }
      this.#handler = successor;
    }
    if (head.version === 10 && !this.#options.limits.acceptHttp10) {
      this.#refuse(426, "low_version");
      return;
    }
    this.#responding = true;
    this.#responseDone = false;
    this.#closeAfter = head.close || (head.version === 10 && !/keep-alive/i.test(this.#connectionOption()));
    const reader = this.#reader;
    if (head.chunked) reader.chunked();
    else if (head.contentLength > 0) reader.length(head.contentLength);
    else reader.none();
    const part = this.#part;
    part.buffer = bytes;
    part.start = bodyStart;
    part.framing = head.chunked ? "chunked" : head.contentLength > 0 ? "length" : "none";
    const next = reader.done ? bodyStart : reader.read(bytes, bodyStart, bytes.length);
    part.end = reader.done && part.framing === "none" ? bodyStart : reader.forwardEnd;
    part.last = reader.done;
    part.closing = reader.closing;
    if (reader.malformed) {
      this.#refuse(400, "http1.codec_error");
      return;
    }
    this.#phase = reader.done ? phase.wait : phase.body;
    if (reader.done && next < bytes.length) this.#hold(bytes.subarray(next));
    this.#handler.onRequest(head, part);
  }

  #connectionOption(): string {
    for (let index = 0; index < this.head.count; index += 1) {
      if (this.head.nameAt(index) === "connection") return this.head.valueAt(index);
    }
    return "";
  }

  #onBodyBytes(chunk: Buffer, start: number): void {
    const reader = this.#reader;
    const next = reader.read(chunk, start, chunk.length);
    if (reader.malformed) {
      this.#closeAfter = true;
      this.#phase = phase.wait;
      this.#handler.onRequestMalformed();
      return;
    }
    const part = this.#part;
    part.buffer = chunk;
    part.start = start;
    part.end = reader.forwardEnd;
    part.last = reader.done;
    part.closing = reader.closing;
    if (reader.done) {
      this.#phase = phase.wait;
      if (next < chunk.length) this.#hold(chunk.subarray(next));
    }
    this.#handler.onRequestBody(part);
    if (reader.done && this.#responseDone) this.#next();
  }

  continue(): void {
    this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  respond(head: Head, body: BodyPart): void {
    // An early answer leaves a body unread: only closing tells the client not to reuse the connection.
    if (this.#phase === phase.body || !this.connection.keepAlive) this.#closeAfter = true;
    this.#closeAfter = this.#writer.respond(head, body, { old: this.head.version === 10, close: this.#closeAfter });
    if (body.last) this.#finish();
  }

  write(body: BodyPart): boolean {
    const keepsUp = this.#writer.write(body);
    if (body.last) this.#finish();
    return keepsUp;
  }

  #finish(): void {
    this.#responding = false;
    this.#responseDone = true;
    if (this.#closeAfter) {
      this.#phase = phase.closed;
      this.#end();
    } else if (this.#phase === phase.wait) this.#next();
  }

  /** Ready for the next request; one that already arrived is taken in a turn of its own, so that no stack builds up. */
  #next(): void {
    this.#phase = phase.head;
    this.#responseDone = false;
    this.#idleSince = 0;
    if (this.#pending !== undefined) setImmediate(() => this.#takePending());
    else if (!this.#readable || this.#pausedByUs) this.#readAgain();
  }

  #takePending(): void {
    if (this.#phase !== phase.head || this.#pending === undefined) return;
    const bytes = this.#pending;
    this.#pending = undefined;
    this.#readAgain();
    this.#onHeadBytes(bytes);
  }

  #readAgain(): void {
    this.#readable = true;
    this.#pausedByUs = false;
    this.#socket.resume();
  }

  #refuse(status: number, details: string): void {
    this.#phase = phase.closed;
    const reason = reasonOf(status);
    this.#socket.write(
      `HTTP/1.1 ${status} ${reason}\r\ncontent-length: ${reason.length}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${reason}`,
      "latin1",
    );
    this.#options.events.refused(this, status, details);
    this.#end();
  }

  /** Closes in an orderly way: what was written gets out however long it takes, what still arrives is thrown away. */
  #end(): void {
    const socket = this.#socket;
    socket.resume();
    socket.end(() => setTimeout(() => socket.destroy(), LINGER_MS).unref());
  }

  pause(): void {
    this.#pausedByUs = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#pausedByUs) return;
    this.#pausedByUs = false;
    if (this.#readable) this.#socket.resume();
  }

  abort(): void {
    this.#phase = phase.closed;
    this.#responding = false;
    drop(this.#socket);
  }

  takeOver(): TakenOver {
    this.#phase = phase.tunnel;
    this.#responding = false;
    const rest = this.#pending;
    this.#pending = undefined;
    const socket = this.#socket;
    socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("drain");
    return {
      socket,
      rest,
      listen: (receive) => {
        socket.on("data", (chunk: Buffer) => receive(chunk, true));
        socket.resume();
      },
    };
  }

  switchProtocols(head: Head): void {
    this.#writer.switchProtocols(head);
  }

  #onEnd(): void {
    // As Envoy has it: a client that closed its side before the answer is a client that left.
    this.#onClose();
    if (!this.#socket.writableEnded) this.#socket.end();
    this.#socket.destroy();
  }

  #onClose(): void {
    const wasResponding = this.#responding;
    this.#phase = phase.closed;
    this.#responding = false;
    if (wasResponding) this.#handler.onDownstreamGone();
    this.#options.events.closed(this);
  }

  /** Called about twice a second. */
  sweep(now: number): void {
    const { limits } = this.#options;
    if (this.#phase === phase.head) {
      if (this.#pending !== undefined) {
        if (now - this.#headSince > limits.headTimeoutMs) this.#refuse(408, "request_header_timeout");
      } else if (this.#idleSince === 0) this.#idleSince = now;
      else if (now - this.#idleSince > limits.idleTimeoutMs) this.#socket.destroy();
    } else if (this.#responding) this.#handler.sweep(now);
    else if (this.#phase === phase.closed) this.#sweepClosing(now);
  }

  /** A client that takes nothing of the last answer any more does not keep its connection for ever. */
  #sweepClosing(now: number): void {
    const { writableLength } = this.#socket;
    if (writableLength !== this.#unsent) {
      this.#unsent = writableLength;
      this.#idleSince = now;
    } else if (now - this.#idleSince > STUCK_MS) this.#socket.destroy();
  }

  /** Closes now when idle, else after the response in flight. */
  drain(): void {
    if (this.idle) this.#end();
    else this.#closeAfter = true;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
