import { LineWriter, streamSink } from "#mesh/lib/access-log/writer.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Fields = Readonly<Record<string, string | number | undefined>>;

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The log as Istio's ztunnel writes it: time, level, part and message by tabs, then key=value. The level can change while it runs. */
export class Log {
  level: LogLevel;
  readonly #write: (line: string) => void;

  constructor(level: LogLevel, write: (line: string) => void) {
    this.level = level;
    this.#write = write;
  }

  write(level: LogLevel, part: string, { message, fields = {} }: { message: string; fields?: Fields }): void {
    if (order[level] < order[this.level]) return;
    const details = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [field(key, value)]));
    const rest = details.length === 0 ? "" : `\t${details.join(" ")}`;
    this.#write(`${new Date().toISOString()}\t${level}\t${part}\t${message}${rest}\n`);
  }

  /** The part of the log of one part of the program, as libraries want it. */
  part(name: string): PartLog {
    const at =
      (level: LogLevel) =>
      (fields: object, message: string): void =>
        this.write(level, name, { message, fields: fields as Fields });
    return { info: at("info"), warn: at("warn"), error: at("error"), debug: at("debug") };
  }
}

export type PartLog = Readonly<Record<LogLevel, (fields: object, message: string) => void>>;

/** Addresses and numbers stand bare, texts in quotes. */
const field = (key: string, value: string | number): string =>
  `${key}=${typeof value === "number" || key.endsWith("addr") ? value : JSON.stringify(value)}`;

/** Standard output, gathered so that many connections cost few writes. */
export function standardOutput(): { readonly write: (line: string) => void; flush(): void } {
  const writer = new LineWriter(streamSink(process.stdout), { flushMs: 20 });
  return { write: (line) => writer.write(line), flush: () => writer.flush() };
}
