import { BodyReader } from "../http1/body-reader.ts";
import type { BodyPart, Framing } from "../http1/streams.ts";

const noBytes: Buffer = Buffer.alloc(0);
/** What may wait for a connection before the client is told to pause. */
const waitLimit = 256 * 1024;

/** A request's body on its way: kept while it waits for a connection, and further while a retry might need it again. */
export class RequestBody {
  #parts: Buffer[] = [];
  #size = 0;
  #limit = 0;
  #lost = false;
  #mayWait = waitLimit;
  #framing: Framing = "none";
  /** All of it has been read. */
  done = true;
  /** Bytes read so far. */
  received = 0;
  readonly #whole: BodyPart = {
    buffer: noBytes,
    start: 0,
    end: 0,
    last: true,
    owned: true,
    framing: "none",
    closing: "",
    data: [],
  };

  begin(part: BodyPart): void {
    if (this.#parts.length > 0) this.#parts = [];
    this.#size = 0;
    this.#limit = Number.POSITIVE_INFINITY;
    this.#lost = false;
    this.#mayWait = waitLimit;
    this.#framing = part.framing;
    this.done = part.last;
    this.received = 0;
    this.take(part, false);
  }

  /** How much may be kept for retries; 0 for none. */
  limit(bytes: number): void {
    this.#limit = bytes;
  }

  /** Another attempt could send it all again. */
  get replayable(): boolean {
    return !this.#lost;
  }

  /** Its head said that there is one, be it empty. */
  get announced(): boolean {
    return this.#framing !== "none";
  }

  get full(): boolean {
    return this.#size >= this.#mayWait;
  }

  /** What is there so far, without its framing; it stays for the upstream. Lets at least `bytes` wait. */
  peek(bytes: number): Buffer {
    this.#mayWait = Math.max(this.#mayWait, bytes + waitLimit);
    const whole = Buffer.concat(this.#parts);
    if (this.#framing !== "chunked") return whole;
    const reader = new BodyReader();
    reader.chunked();
    reader.unframe = true;
    reader.read(whole, 0, whole.length);
    const pieces: Buffer[] = [];
    for (let index = 0; index + 1 < reader.data.length; index += 2)
      pieces.push(whole.subarray(reader.data[index], reader.data[index + 1]));
    return Buffer.concat(pieces);
  }

  take(part: BodyPart, sent: boolean): void {
    if (part.last) this.done = true;
    const size = part.end - part.start;
    if (size === 0 && part.closing === "") return;
    this.received += size;
    if (this.#lost) return;
    if (sent && this.#size + size > this.#limit) {
      this.forget();
      this.#lost = true;
      return;
    }
    const bytes = part.buffer.subarray(part.start, part.end);
    this.#parts.push(part.owned ? bytes : Buffer.from(bytes));
    if (part.closing !== "") this.#parts.push(Buffer.from(part.closing, "latin1"));
    this.#size += size;
  }

  /** What is there so far, to be sent in one go. */
  collected(): BodyPart {
    const whole = this.#whole;
    const [only = noBytes] = this.#parts;
    whole.buffer = this.#parts.length > 1 ? Buffer.concat(this.#parts) : only;
    whole.end = whole.buffer.length;
    whole.last = this.done;
    whole.framing = this.#framing;
    if (this.#size > this.#limit) {
      this.forget();
      this.#lost = true;
    }
    return whole;
  }

  forget(): void {
    if (this.#parts.length > 0) this.#parts = [];
    this.#size = 0;
  }
}
