import { fieldValue, tokenLower } from "./known-headers.ts";

const mode = { none: 0, length: 1, chunked: 2, close: 3 } as const;

/** States of the chunked coding (RFC 9112 7.1). */
const chunk = {
  size: 0,
  sizeMore: 1,
  extension: 2,
  sizeLf: 3,
  data: 4,
  dataCr: 5,
  dataLf: 6,
  lineStart: 7,
  endLf: 8,
  trailerName: 9,
  trailerValue: 10,
  trailerLf: 11,
} as const;

const CR = 13;
const LF = 10;
/** 2^52 in hexadecimal has 14 digits; one less is safe. */
const maxSizeDigits = 13;
const maxLine = 4096;
const maxTrailers = 16 * 1024;

/**
 * Follows a body's framing without copying it. `read` says how much of a buffer belongs to the message; bytes up to
 * `forwardEnd` go over unchanged. Trailers are checked and left out, and `closing` then holds what ends the body instead.
 */
export class BodyReader {
  #mode: number = mode.none;
  #left = 0;
  #state: number = chunk.size;
  #digits = 0;
  #line = 0;
  #trailers = 0;
  done = true;
  malformed = false;
  /** Up to where the bytes of the last `read` go over as they are. */
  forwardEnd = 0;
  /** Written after the forwarded bytes when the body is done; empty unless trailers were left out. */
  closing = "";
  /** Set to collect the data of chunks without their framing: pairs of start and end in the last read's buffer. */
  readonly data: number[] = [];
  unframe = false;

  none(): void {
    this.#start(mode.none);
    this.done = true;
  }

  length(bytes: number): void {
    this.#start(mode.length);
    this.#left = bytes;
    this.done = bytes === 0;
  }

  chunked(): void {
    this.#start(mode.chunked);
    this.#state = chunk.size;
    this.#digits = 0;
    this.#line = 0;
    this.#trailers = 0;
  }

  untilClose(): void {
    this.#start(mode.close);
  }

  get endsWithConnection(): boolean {
    return this.#mode === mode.close;
  }

  #start(kind: number): void {
    this.#mode = kind;
    this.#left = 0;
    this.done = false;
    this.malformed = false;
    this.closing = "";
    this.unframe = false;
  }

  /** Takes bytes from `start`; returns where the next message starts, or `end` while more of this one is to come. */
  read(buffer: Buffer, start: number, end: number): number {
    if (this.data.length > 0) this.data.length = 0;
    if (this.#mode === mode.length) {
      const taken = Math.min(this.#left, end - start);
      this.#left -= taken;
      this.done = this.#left === 0;
      return this.#took(start, start + taken);
    }
    if (this.#mode === mode.close) return this.#took(start, end);
    if (this.#mode === mode.none) return this.#took(start, start);
    return this.#readChunked(buffer, start, end);
  }

  #took(start: number, end: number): number {
    this.forwardEnd = end;
    if (this.unframe && end > start) this.data.push(start, end);
    return end;
  }

  #readChunked(buffer: Buffer, start: number, end: number): number {
    let at = start;
    let forwardEnd = -1;
    while (at < end && !this.done && !this.malformed) {
      if (this.#state === chunk.data) {
        const taken = Math.min(this.#left, end - at);
        if (this.unframe) this.data.push(at, at + taken);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#state = chunk.dataCr;
        continue;
      }
      if (forwardEnd < 0 && (this.#trailers > 0 || (this.#state === chunk.lineStart && buffer[at] !== CR)))
        forwardEnd = at;
      this.#step(buffer[at] ?? 0);
      at += 1;
    }
    this.forwardEnd = forwardEnd < 0 ? at : forwardEnd;
    if (this.done && this.#trailers > 0) this.closing = "\r\n";
    return at;
  }

  #step(byte: number): void {
    if (this.#state <= chunk.sizeLf) this.#sizeStep(byte);
    else if (this.#state <= chunk.dataLf) this.#dataStep(byte);
    else this.#endStep(byte);
  }

  #sizeStep(byte: number): void {
    switch (this.#state) {
      case chunk.size:
      case chunk.sizeMore: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#digits += 1;
          this.#left = this.#left * 16 + digit;
          this.#state = chunk.sizeMore;
          this.malformed = this.#digits > maxSizeDigits;
          return;
        }
        if (this.#state === chunk.size) this.malformed = true;
        else if (byte === CR) this.#state = chunk.sizeLf;
        else if (byte === 59 || byte === 32 || byte === 9) this.#state = chunk.extension;
        else this.malformed = true;
        return;
      }
      case chunk.extension:
        this.#line += 1;
        if (byte === CR) this.#state = chunk.sizeLf;
        else if (fieldValue[byte] === 0 || this.#line > maxLine) this.malformed = true;
        return;
      default:
        if (byte !== LF) this.malformed = true;
        this.#state = this.#left === 0 ? chunk.lineStart : chunk.data;
        this.#digits = 0;
        this.#line = 0;
    }
  }

  #dataStep(byte: number): void {
    if (this.#state === chunk.dataCr) {
      this.malformed = byte !== CR;
      this.#state = chunk.dataLf;
      return;
    }
    this.malformed = byte !== LF;
    this.#state = chunk.size;
  }

  /** After the last chunk: trailer lines, then an empty one. */
  #endStep(byte: number): void {
    switch (this.#state) {
      case chunk.lineStart:
        if (byte === CR) {
          this.#state = chunk.endLf;
          return;
        }
        this.#trailers += 1;
        this.#state = chunk.trailerName;
        this.malformed = tokenLower[byte] === 0;
        return;
      case chunk.endLf:
        this.malformed = byte !== LF;
        this.done = !this.malformed;
        return;
      case chunk.trailerName:
        this.#countTrailer();
        if (byte === 58) this.#state = chunk.trailerValue;
        else if (tokenLower[byte] === 0) this.malformed = true;
        return;
      case chunk.trailerValue:
        this.#countTrailer();
        if (byte === CR) this.#state = chunk.trailerLf;
        else if (fieldValue[byte] === 0) this.malformed = true;
        return;
      default:
        this.malformed = byte !== LF;
        this.#state = chunk.lineStart;
    }
  }

  #countTrailer(): void {
    this.#trailers += 1;
    if (this.#trailers > maxTrailers) this.malformed = true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 97 && byte <= 102) return byte - 87;
  if (byte >= 65 && byte <= 70) return byte - 55;
  return -1;
}
