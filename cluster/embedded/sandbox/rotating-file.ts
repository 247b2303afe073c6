import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface RotationLimits {
  /** Size in bytes at which a file is put aside. */
  readonly maxBytes: number;
  /** How many files are kept besides the current one: `<path>.1` is the youngest. */
  readonly keep: number;
}

/** An append-only file that is put aside when it grows too big. Writes never block; they are lost only when the disk fails. */
export class RotatingFile {
  readonly path: string;
  readonly #limits: RotationLimits;
  #stream: WriteStream | undefined;
  #size = 0;
  #pending: Buffer[] = [];
  #busy: Promise<void> | undefined;
  #closed = false;
  readonly #listeners = new Set<() => void>();

  constructor(path: string, limits: RotationLimits) {
    this.path = path;
    this.#limits = limits;
  }

  /** Bytes in the current file; exact after a flush. */
  get size(): number {
    return this.#size;
  }

  /** Queues a chunk. Chunks keep their order and are never split over two files. */
  write(chunk: Buffer | string): void {
    if (this.#closed) return;
    this.#pending.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    this.#busy ??= this.#drain().finally(() => {
      this.#busy = undefined;
    });
  }

  /** Calls back after bytes have reached the file. Returns the disposer. */
  onWritten(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything written so far is in the file. */
  async flush(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    await this.#end();
    for (const listener of this.#listeners) listener();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const batch = Buffer.concat(this.#pending);
        this.#pending = [];
        const stream = await this.#open();
        await new Promise<void>((resolve, reject) =>
          stream.write(batch, (error) => (error ? reject(error) : resolve())),
        );
        this.#size += batch.length;
        for (const listener of this.#listeners) listener();
        if (this.#size >= this.#limits.maxBytes) await this.#rotate();
      }
    } catch {
      // A full disk must not stop the program whose output this is: drop what cannot be kept and try again with the next chunk.
      this.#pending = [];
      this.#stream?.destroy();
      this.#stream = undefined;
    }
  }

  async #open(): Promise<WriteStream> {
    if (this.#stream !== undefined) return this.#stream;
    await mkdir(dirname(this.path), { recursive: true });
    this.#size = await stat(this.path).then(
      (found) => found.size,
      () => 0,
    );
    const stream = createWriteStream(this.path, { flags: "a", mode: 0o600 });
    stream.on("error", () => undefined);
    this.#stream = stream;
    return stream;
  }

  async #rotate(): Promise<void> {
    await this.#end();
    await rm(`${this.path}.${this.#limits.keep}`, { force: true });
    for (let index = this.#limits.keep - 1; index >= 1; index--) {
      await rename(`${this.path}.${index}`, `${this.path}.${index + 1}`).catch(() => undefined);
    }
    if (this.#limits.keep > 0) await rename(this.path, `${this.path}.1`);
    else await rm(this.path, { force: true });
  }

  async #end(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }
}
