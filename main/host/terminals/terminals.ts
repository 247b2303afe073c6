import { randomUUID } from "node:crypto";
import { AppError } from "#api/errors.ts";
import type { TerminalEvent, TerminalTarget } from "#api/rpc/terminal.ts";
import type { Disposer } from "../observable.ts";

/** A running shell, wherever it runs. */
export interface TerminalProcess {
  onData(listener: (data: string) => void): void;
  onExit(listener: (code: number | undefined) => void): void;
  write(data: string): void;
  resize(columns: number, rows: number): void;
  kill(): void;
}

export type OpenTerminal = (
  target: TerminalTarget,
  size: { readonly columns: number; readonly rows: number },
) => Promise<TerminalProcess>;

/** What a client that reconnects gets again, in characters. */
const SCROLLBACK = 200_000;
/** Output is collected this long, in milliseconds, so that a busy program does not send a message per line. */
const BATCH_MS = 5;

interface Terminal {
  readonly process: TerminalProcess;
  scrollback: string;
  pending: string;
  timer: NodeJS.Timeout | undefined;
  ended: TerminalEvent | undefined;
  readonly watchers: Set<(event: TerminalEvent) => void>;
}

/** The open terminals. They belong to the host, not to a connection: a page that is reloaded finds them again. */
export class Terminals {
  readonly #terminals = new Map<string, Terminal>();
  readonly #open: OpenTerminal;

  constructor(open: OpenTerminal) {
    this.#open = open;
  }

  async open(target: TerminalTarget, size: { readonly columns: number; readonly rows: number }): Promise<string> {
    const process = await this.#open(target, size);
    const terminal: Terminal = {
      process,
      scrollback: "",
      pending: "",
      timer: undefined,
      ended: undefined,
      watchers: new Set(),
    };
    const id = randomUUID();
    this.#terminals.set(id, terminal);
    process.onData((data) => {
      terminal.pending += data;
      terminal.timer ??= setTimeout(() => flush(terminal), BATCH_MS);
    });
    process.onExit((code) => {
      flush(terminal);
      terminal.ended = {
        type: "exit",
        code,
        message: code === 0 ? "The shell has ended." : `The shell has ended (${code ?? "connection lost"}).`,
      };
      for (const watcher of terminal.watchers) watcher(terminal.ended);
    });
    return id;
  }

  /** Output from the beginning of the scrollback, then as it comes. */
  watch(id: string, watcher: (event: TerminalEvent) => void): Disposer {
    const terminal = this.#get(id);
    flush(terminal);
    if (terminal.scrollback !== "") watcher({ type: "data", data: terminal.scrollback });
    if (terminal.ended !== undefined) watcher(terminal.ended);
    terminal.watchers.add(watcher);
    return () => terminal.watchers.delete(watcher);
  }

  input(id: string, data: string): void {
    const terminal = this.#get(id);
    if (terminal.ended === undefined) terminal.process.write(data);
  }

  resize(id: string, columns: number, rows: number): void {
    const terminal = this.#get(id);
    if (terminal.ended === undefined) terminal.process.resize(columns, rows);
  }

  close(id: string): void {
    const terminal = this.#terminals.get(id);
    this.#terminals.delete(id);
    if (terminal === undefined) return;
    clearTimeout(terminal.timer);
    if (terminal.ended === undefined) terminal.process.kill();
  }

  closeAll(): void {
    for (const id of [...this.#terminals.keys()]) this.close(id);
  }

  #get(id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined) throw new AppError("NOT_FOUND", "this terminal is closed");
    return terminal;
  }
}

function flush(terminal: Terminal): void {
  clearTimeout(terminal.timer);
  terminal.timer = undefined;
  if (terminal.pending === "") return;
  const event: TerminalEvent = { type: "data", data: terminal.pending };
  terminal.scrollback = (terminal.scrollback + terminal.pending).slice(-SCROLLBACK);
  terminal.pending = "";
  for (const watcher of terminal.watchers) watcher(event);
}
