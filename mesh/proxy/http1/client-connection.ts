import type { Duplex } from "node:stream";
import { wasReset } from "../../lib/hbone/stream.ts";
import { BodyReader } from "./body-reader.ts";
import { Head } from "./head.ts";
import { INCOMPLETE, parseResponseHead } from "./parse-head.ts";
import type { BodyPart, Framing, TakenOver, Upstream, UpstreamHandler } from "./streams.ts";
import { HIGH_WATER, writeHead, writePart } from "./write.ts";

/** What a pool wants to know of its connection. */
export interface ClientEvents {
  /** The exchange is over; `reusable` when another request may follow. */
  released(connection: ClientConnection, reusable: boolean): void;
  closed(connection: ClientConnection): void;
}

const maxResponseHead = 64 * 1024;
const noBytes: Buffer = Buffer.alloc(0);

/** One HTTP/1.1 connection to an upstream host. It carries one request at a time. */
export class ClientConnection implements Upstream {
  readonly localText: string;
  reused = false;
  /** Requests sent so far. */
  requests = 0;
  idleSince = 0;
  readonly #socket: Duplex;
  readonly #events: ClientEvents;
  readonly #head: Head = new Head();
  readonly #reader: BodyReader = new BodyReader();
  readonly #part: BodyPart;
  #handler: UpstreamHandler | undefined;
  #pending: Buffer | undefined;
  #headDone = false;
  #noBody = false;
  #requestDone = false;
  #oldClient = false;
  #closed = false;
  #tunnel = false;
  #tunnelData: ((buffer: Buffer, owned: boolean) => void) | undefined;
  #paused = false;

  constructor(socket: Duplex, localText: string, events: ClientEvents) {
    this.#socket = socket;
    this.localText = localText;
    this.#events = events;
    this.#part = {
      buffer: noBytes,
      start: 0,
      end: 0,
      last: false,
      owned: false,
      framing: "none",
      closing: "",
      data: [],
    };
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onClose());
    socket.on("error", () => this.#onClose());
    socket.on("drain", () => this.#handler?.onUpstreamDrain());
  }

  get alive(): boolean {
    return !this.#closed && !this.#socket.destroyed && this.#socket.writable;
  }

  attach(handler: UpstreamHandler): void {
    this.#handler = handler;
    this.reused = this.requests > 0;
    this.requests += 1;
    this.#headDone = false;
    this.#requestDone = false;
  }

  send(head: Head, body: BodyPart): boolean {
    this.#noBody = head.method === "HEAD";
    this.#oldClient = head.version === 10;
    this.#requestDone = body.last;
    writeHead(this.#socket, `${head.method} ${head.path} HTTP/1.1\r\n${head.lines()}\r\n`, body);
    return this.#socket.writableLength < HIGH_WATER;
  }

  write(body: BodyPart): boolean {
    if (body.last) this.#requestDone = true;
    return writePart(this.#socket, body);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  reset(): void {
    this.#handler = undefined;
    this.#socket.destroy();
    this.#release(false);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  takeOver(): TakenOver {
    const rest = this.#pending;
    this.#pending = undefined;
    this.#tunnel = true;
    this.#handler = undefined;
    this.#socket.removeAllListeners("end").removeAllListeners("drain");
    return {
      socket: this.#socket,
      rest,
      listen: (receive) => {
        this.#tunnelData = receive;
      },
    };
  }

  /** Bytes from the socket; the buffer may be reused after the call. False to stop reading, as `onread` has it. */
  received(buffer: Buffer, length: number): boolean {
    if (this.#tunnel) {
      this.#tunnelData?.(buffer.subarray(0, length), false);
      return true;
    }
    if (this.#handler === undefined) {
      // Nothing was asked: whatever this is, the connection cannot be trusted further.
      this.destroy();
      return true;
    }
    if (this.#headDone) this.#onBodyBytes(buffer, 0, length);
    else this.#onHeadBytes(buffer, length);
    return true;
  }

  #onHeadBytes(buffer: Buffer, length: number): void {
    const part = length === buffer.length ? buffer : buffer.subarray(0, length);
    const bytes = this.#pending === undefined ? part : Buffer.concat([this.#pending, part]);
    this.#pending = undefined;
    let start = 0;
    for (;;) {
      const end = parseResponseHead(this.#head, bytes, start);
      if (end < INCOMPLETE || (end === INCOMPLETE && bytes.length - start > maxResponseHead))
        return this.#fail("protocol_error");
      if (end === INCOMPLETE) {
        this.#pending = Buffer.from(bytes.subarray(start));
        return;
      }
      if (this.#head.status >= 200 || this.#head.status === 101) {
        this.#begin(bytes, end);
        return;
      }
      start = end;
      if (this.#head.status === 100) this.#handler?.onContinue();
      if (start === bytes.length) return;
    }
  }

  #begin(bytes: Buffer, bodyStart: number): void {
    const head = this.#head;
    this.#headDone = true;
    const framing = this.#framing();
    const reader = this.#reader;
    if (framing === "chunked") reader.chunked();
    else if (framing === "length") reader.length(head.contentLength);
    else if (framing === "close") reader.untilClose();
    else reader.none();
    reader.unframe = framing === "chunked" && this.#oldClient;
    const part = this.#part;
    part.framing = framing;
    const next = reader.done ? bodyStart : reader.read(bytes, bodyStart, bytes.length);
    if (reader.malformed) return this.#fail("protocol_error");
    this.#fill(bytes, bodyStart, reader.done && framing !== "chunked" ? next : reader.forwardEnd);
    // Bytes beyond the response belong to nothing that was asked for.
    if (next < bytes.length && reader.done && head.status !== 101) head.close = true;
    if (head.status === 101 && bodyStart < bytes.length) this.#pending = Buffer.from(bytes.subarray(bodyStart));
    this.#deliverHead(head, part);
  }

  #deliverHead(head: Head, part: BodyPart): void {
    const handler = this.#handler;
    if (part.last && head.status !== 101) {
      const reusable = !head.close && this.#requestDone && head.version === 11;
      this.#handler = undefined;
      handler?.onResponse(head, part);
      this.#release(reusable);
    } else handler?.onResponse(head, part);
  }

  #framing(): Framing {
    const { status, chunked, contentLength } = this.#head;
    if (this.#noBody || status === 204 || status === 304 || status === 101) return "none";
    if (chunked) return "chunked";
    if (contentLength > 0) return "length";
    return contentLength === 0 ? "none" : "close";
  }

  #fill(buffer: Buffer, start: number, end: number): void {
    const part = this.#part;
    part.buffer = buffer;
    part.start = start;
    part.end = end;
    part.last = this.#reader.done;
    part.closing = this.#reader.closing;
    part.data = this.#reader.data;
  }

  #onBodyBytes(buffer: Buffer, start: number, end: number): void {
    const reader = this.#reader;
    const next = reader.read(buffer, start, end);
    if (reader.malformed) return this.#fail("protocol_error");
    this.#fill(buffer, start, reader.forwardEnd);
    const handler = this.#handler;
    if (reader.done) {
      const reusable = next === end && !this.#head.close && this.#requestDone && this.#head.version === 11;
      this.#handler = undefined;
      handler?.onResponseBody(this.#part);
      this.#release(reusable);
    } else handler?.onResponseBody(this.#part);
  }

  #fail(reason: "protocol_error"): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#socket.destroy();
    handler?.onUpstreamReset(reason);
    this.#release(false);
  }

  #release(reusable: boolean): void {
    this.#pending = undefined;
    if (reusable) this.resume();
    else this.#socket.destroy();
    this.#events.released(this, reusable);
  }

  #onEnd(): void {
    if (this.#tunnel) return;
    if (this.#handler !== undefined && this.#headDone && this.#reader.endsWithConnection && !wasReset(this.#socket)) {
      const handler = this.#handler;
      this.#handler = undefined;
      this.#fill(noBytes, 0, 0);
      this.#part.last = true;
      handler.onResponseBody(this.#part);
      this.#release(false);
    }
    this.#onClose();
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler !== undefined) {
      handler.onUpstreamReset("connection_termination");
      this.#events.released(this, false);
    }
    this.#events.closed(this);
  }
}
