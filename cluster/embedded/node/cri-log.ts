import { RotatingFile } from "../sandbox/rotating-file.ts";

export interface LogLine {
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** False for a piece of a line that was too long or is still being written: no line feed follows. */
  readonly complete: boolean;
  readonly text: string;
}

const LIMITS = { maxBytes: 10 * 1024 * 1024, keep: 2 };
/** Longer lines are stored in pieces, as container runtimes do. */
const MAX_LINE = 16 * 1024;
/** A program that prints a prompt without a line feed should still be seen. */
const NEWLINE = 10;

/** Writes what a container prints as `<time> <stream> <F|P> <text>` lines: the format of the Container Runtime Interface. */
export class CriLog {
  readonly file: RotatingFile;
  readonly #now: () => number;
  readonly #rest: Record<"stdout" | "stderr", Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly #followers = new Set<(lines: readonly LogLine[]) => void>();
  readonly #closers = new Set<() => void>();
  #tail: readonly string[] = [];
  #closed = false;

  constructor(path: string, now: () => number) {
    this.file = new RotatingFile(path, LIMITS);
    this.#now = now;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(stream: "stdout" | "stderr", chunk: Buffer): void {
    const time = new Date(this.#now()).toISOString().replace("Z", "000000Z");
    const held = this.#rest[stream];
    const data = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const lines: LogLine[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      lines.push({ time, stream, complete: true, text: data.toString("utf8", start, end) });
      start = end + 1;
    }
    while (data.length - start > MAX_LINE) {
      lines.push({ time, stream, complete: false, text: data.toString("utf8", start, start + MAX_LINE) });
      start += MAX_LINE;
    }
    this.#rest[stream] = data.subarray(start);
    this.#append(lines);
  }

  /** Also stores what was printed without a line feed at the end. */
  async close(): Promise<void> {
    const time = new Date(this.#now()).toISOString().replace("Z", "000000Z");
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#rest[stream];
      if (rest.length > 0) this.#append([{ time, stream, complete: false, text: rest.toString("utf8") }]);
      this.#rest[stream] = Buffer.alloc(0);
    }
    this.#closed = true;
    await this.file.close();
    for (const closer of this.#closers) closer();
  }

  /** Delivers every line from now on, then `onEnd` when the container has ended. Returns the disposer. */
  follow(onLines: (lines: readonly LogLine[]) => void, onEnd: () => void): () => void {
    this.#followers.add(onLines);
    this.#closers.add(onEnd);
    return () => {
      this.#followers.delete(onLines);
      this.#closers.delete(onEnd);
    };
  }

  /** The last lines, for a termination message. */
  tail(): string {
    return this.#tail.join("\n");
  }

  #append(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    this.file.write(lines.map(formatLine).join(""));
    this.#tail = [...this.#tail, ...lines.map((line) => line.text)].slice(-80);
    for (const follower of this.#followers) follower(lines);
  }
}

function formatLine(line: LogLine): string {
  return `${line.time} ${line.stream} ${line.complete ? "F" : "P"} ${line.text}\n`;
}

/** Reads one stored line; undefined for what is none. */
export function parseLine(text: string): LogLine | undefined {
  const match = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(text);
  if (match === null) return undefined;
  return {
    time: match[1] ?? "",
    stream: match[2] === "stderr" ? "stderr" : "stdout",
    complete: match[3] === "F",
    text: match[4] ?? "",
  };
}
