import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { constants, createDeflate, createInflate } from "node:zlib";

/**
 * The server's half of SPDY/3.1, as far as kubectl uses it for port-forward: streams opened by the client, data both ways, pings.
 * Source: the SPDY protocol draft 3.1 and Kubernetes' port-forward protocol.
 */
const frame = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const FIN = 1;
const CONTROL = 0x8000;
const MAX_FRAME = 16 * 1024 * 1024;

/** What headers are compressed against: every word with its length before it, then phrases. Source: SPDY draft 3.1, section 2.6.10.1. */
const words =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200~OK version HTTP/1.1 url public set-cookie keep-alive origin";
const phrases =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

function dictionary(): Buffer {
  const lengthAndText = (word: string): Buffer => {
    const text = Buffer.from(word.replace("~", " "));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  };
  return Buffer.concat([...words.split(" ").map(lengthAndText), Buffer.from(phrases)]);
}

export interface SpdyStream {
  readonly id: number;
  readonly headers: Readonly<Record<string, string>>;
  onData(listener: (data: Buffer) => void): void;
  /** The other side has said all that it has to say. */
  onEnd(listener: () => void): void;
  write(data: Buffer): void;
  end(): void;
  reset(): void;
}

/** One connection; `onStream` is told of every stream that the client opens. */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, EventEmitter>();
  readonly #inflate = createInflate({ dictionary: dictionary(), finishFlush: constants.Z_SYNC_FLUSH });
  readonly #deflate = createDeflate({ dictionary: dictionary(), flush: constants.Z_SYNC_FLUSH });
  #pending: Buffer = Buffer.alloc(0);
  #reading: Promise<void> = Promise.resolve();

  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("close", () => {
      for (const stream of this.#streams.values()) stream.emit("end");
      this.#inflate.close();
      this.#deflate.close();
    });
    socket.on("error", () => socket.destroy());
  }

  #receive(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 8) {
      const length = this.#pending.readUIntBE(5, 3);
      if (length > MAX_FRAME) return void this.#socket.destroy();
      if (this.#pending.length < 8 + length) return;
      const whole = this.#pending.subarray(0, 8 + length);
      this.#pending = this.#pending.subarray(8 + length);
      // In order: decompressing headers takes a turn, and the data behind them must wait.
      this.#reading = this.#reading.then(() => this.#handle(whole)).catch(() => void this.#socket.destroy());
    }
  }

  async #handle(whole: Buffer): Promise<void> {
    const first = whole.readUInt16BE(0);
    const flags = whole[4] ?? 0;
    const body = whole.subarray(8);
    if ((first & CONTROL) === 0) {
      const stream = this.#streams.get(whole.readUInt32BE(0) & 0x7fffffff);
      if (body.length > 0) stream?.emit("data", body);
      if (flags & FIN) stream?.emit("end");
      return;
    }
    switch (whole.readUInt16BE(2)) {
      case frame.synStream:
        return this.#open(body, flags);
      case frame.ping:
        this.#send(frame.ping, 0, body);
        return;
      case frame.rstStream:
        this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.emit("end");
        this.#streams.delete(body.readUInt32BE(0) & 0x7fffffff);
        return;
      case frame.headers:
        await this.#decompress(body.subarray(4)); // only to keep the compression in step
        return;
      default: // settings, window updates and farewells need no answer
    }
  }

  async #open(body: Buffer, flags: number): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = parseHeaders(await this.#decompress(body.subarray(10)));
    const events = new EventEmitter();
    const early: Buffer[] = [];
    const keep = (data: Buffer): void => void early.push(data);
    events.on("data", keep);
    this.#streams.set(id, events);
    this.#send(frame.synReply, 0, Buffer.concat([uint32(id), await this.#compress(uint32(0))]));
    this.#onStream({
      id,
      headers,
      onData: (listener) => {
        events.off("data", keep);
        events.on("data", listener);
        for (const data of early.splice(0)) listener(data);
      },
      onEnd: (listener) => void events.once("end", listener),
      write: (data) => this.#data(id, 0, data),
      end: () => this.#data(id, FIN, Buffer.alloc(0)),
      reset: () => this.#send(frame.rstStream, 0, Buffer.concat([uint32(id), uint32(5)])),
    });
    if (flags & FIN) events.emit("end");
  }

  #data(id: number, flags: number, data: Buffer): void {
    if (this.#socket.writable)
      this.#socket.write(Buffer.concat([uint32(id), uint32((flags << 24) | data.length), data]));
  }

  #send(type: number, flags: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(CONTROL | 3, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
    if (this.#socket.writable) this.#socket.write(Buffer.concat([head, body]));
  }

  #decompress(data: Buffer): Promise<Buffer> {
    return through(this.#inflate, data);
  }

  #compress(data: Buffer): Promise<Buffer> {
    return through(this.#deflate, data);
  }
}

/** Sends one block through a compressor that lives as long as the connection, and collects what comes out for it. */
function through(
  transform: ReturnType<typeof createInflate> | ReturnType<typeof createDeflate>,
  data: Buffer,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): void => void chunks.push(chunk);
    transform.on("data", collect);
    transform.once("error", reject);
    transform.write(data, () => {
      transform.flush(constants.Z_SYNC_FLUSH, () => {
        transform.off("data", collect);
        transform.off("error", reject);
        resolve(Buffer.concat(chunks));
      });
    });
  });
}

function parseHeaders(block: Buffer): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.toString("utf8", at - length, at);
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text();
    headers[name.toLowerCase()] = text();
  }
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
