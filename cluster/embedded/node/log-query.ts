import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { LogOptions } from "../machinery/node-backend.ts";
import { type CriLog, type LogLine, parseLine } from "./cri-log.ts";

/** What `kubectl logs` asks for, applied to stored lines. Pure but for its memory of partial lines. */
class LogFilter {
  readonly #options: LogOptions;
  readonly #since: string;
  #bytes = 0;
  #midLine = false;

  constructor(options: LogOptions, now: number) {
    this.#options = options;
    const bySeconds =
      options.sinceSeconds === undefined ? "" : new Date(now - options.sinceSeconds * 1000).toISOString();
    this.#since = options.sinceTime === undefined ? bySeconds : new Date(options.sinceTime).toISOString();
  }

  get full(): boolean {
    return this.#options.limitBytes !== undefined && this.#bytes >= this.#options.limitBytes;
  }

  wants(line: LogLine): boolean {
    return this.#since === "" || line.time.slice(0, 23) >= this.#since.slice(0, 23);
  }

  /** The line as bytes for the reader, cut at the limit. */
  render(line: LogLine): Buffer {
    const stamp = this.#options.timestamps === true && !this.#midLine ? `${line.time} ` : "";
    this.#midLine = !line.complete;
    const bytes = Buffer.from(`${stamp}${line.text}${line.complete ? "\n" : ""}`);
    const room =
      this.#options.limitBytes === undefined ? bytes.length : Math.max(0, this.#options.limitBytes - this.#bytes);
    this.#bytes += bytes.length;
    return bytes.length > room ? bytes.subarray(0, room) : bytes;
  }
}

export interface StoredLog {
  readonly path: string;
  /** The writer while the container runs. */
  readonly live: CriLog | undefined;
}

/** A container's log as a stream: what is stored, then what comes when asked to follow. */
export function readLog(log: StoredLog, options: LogOptions, now: number): Readable {
  return Readable.from(chunks(log, options, now), { objectMode: false });
}

async function* chunks(log: StoredLog, options: LogOptions, now: number): AsyncGenerator<Buffer> {
  const filter = new LogFilter(options, now);
  const follower =
    options.follow === true && log.live !== undefined && !log.live.closed ? await startFollowing(log.live) : undefined;
  if (follower === undefined) await log.live?.file.flush();
  try {
    yield* rendered(storedLines(log.path, { options, filter }, follower?.from), filter);
    if (follower !== undefined) yield* rendered(follower.lines(), filter);
  } finally {
    follower?.stop();
  }
}

async function* rendered(lines: AsyncIterable<LogLine>, filter: LogFilter): AsyncGenerator<Buffer> {
  for await (const line of lines) {
    if (filter.full) return;
    if (filter.wants(line)) yield filter.render(line);
  }
}

async function* storedLines(
  path: string,
  query: { options: LogOptions; filter: LogFilter },
  until: number | undefined,
): AsyncGenerator<LogLine> {
  const { tailLines } = query.options;
  const last: LogLine[] = [];
  for (const file of [`${path}.2`, `${path}.1`, path]) {
    const end = file === path ? until : undefined;
    if (end === 0 || !(await present(file))) continue;
    const lines = createInterface({
      input: createReadStream(file, end === undefined ? {} : { end: end - 1 }),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const text of lines) {
      const line = parseLine(text);
      if (line === undefined) continue;
      if (tailLines === undefined) yield line;
      else if (query.filter.wants(line)) {
        last.push(line);
        if (last.length > tailLines) last.shift();
      }
    }
  }
  yield* last;
}

const present = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

interface Follower {
  /** Size of the file at the moment from which lines are delivered. */
  readonly from: number;
  lines(): AsyncGenerator<LogLine>;
  stop(): void;
}

/** A reader that falls this far behind loses the oldest lines rather than the cluster its memory. */
const MAX_QUEUE = 100_000;

async function startFollowing(live: CriLog): Promise<Follower> {
  await live.file.flush();
  // No write can be under way between these lines: what the file holds and what is delivered meet exactly here.
  const from = live.file.size;
  let queue: LogLine[] = [];
  let ended = live.closed;
  let wake: () => void = () => undefined;
  const dispose = live.follow(
    (lines) => {
      queue.push(...lines);
      if (queue.length > MAX_QUEUE) queue = queue.slice(-MAX_QUEUE);
      wake();
    },
    () => {
      ended = true;
      wake();
    },
  );
  const stop = (): void => {
    ended = true;
    dispose();
    wake();
  };
  async function* lines(): AsyncGenerator<LogLine> {
    while (queue.length > 0 || !ended) {
      const batch = queue;
      queue = [];
      yield* batch;
      if (queue.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return { from, lines, stop };
}
