import type { LogLevel } from "../config.ts";

/** The agent's log: structured, to the container's standard error. */
export interface AgentLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log whose level can be changed while it runs (POST /logging). Lines are tab-separated, as Istio's agent writes them. */
export class Log implements AgentLog {
  level: LogLevel;
  readonly #write: (line: string) => void;

  constructor(level: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)) {
    this.level = level;
    this.#write = write;
  }

  debug(fields: object, message: string): void {
    this.#line("debug", fields, message);
  }

  info(fields: object, message: string): void {
    this.#line("info", fields, message);
  }

  warn(fields: object, message: string): void {
    this.#line("warn", fields, message);
  }

  error(fields: object, message: string): void {
    this.#line("error", fields, message);
  }

  #line(level: LogLevel, fields: object, message: string): void {
    if (order[level] < order[this.level]) return;
    const details = Object.keys(fields).length === 0 ? "" : `\t${JSON.stringify(fields)}`;
    this.#write(`${new Date().toISOString()}\t${level}\t${message}${details}\n`);
  }
}
