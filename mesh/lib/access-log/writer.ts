export interface LineSink {
  /** False when the reader does not keep up; `onDrain` tells when it does again. */
  write(text: string): boolean;
  onDrain(listener: () => void): void;
}

/**
 * Gathers lines and writes them together. Never blocks: while the reader does not keep up, lines are kept up to a limit and then
 * dropped and counted.
 */
export class LineWriter {
  readonly #sink: LineSink;
  readonly #flushMs: number;
  readonly #limit: number;
  #pending = "";
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;
  #dropped = 0;

  constructor(sink: LineSink, options: { readonly flushMs?: number; readonly limitChars?: number } = {}) {
    this.#sink = sink;
    this.#flushMs = options.flushMs ?? 100;
    this.#limit = options.limitChars ?? 1_000_000;
    sink.onDrain(() => {
      this.#blocked = false;
      this.flush();
    });
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** @param line with its line break */
  write(line: string): void {
    if (this.#pending.length + line.length > this.#limit) {
      this.#dropped++;
      return;
    }
    this.#pending += line;
    if (this.#blocked || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, this.#flushMs);
    this.#timer.unref();
  }

  /** Writes now what is gathered; also for the end of the process. */
  flush(): void {
    if (this.#blocked || this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    this.#blocked = !this.#sink.write(text);
  }
}

/** A stream of this process as a sink. */
export function streamSink(stream: NodeJS.WritableStream): LineSink {
  return { write: (text) => stream.write(text), onDrain: (listener) => void stream.on("drain", listener) };
}
