import type { Clock, Logger } from "../machinery/clock.ts";
import { StatusError } from "../machinery/resources.ts";

export interface WorkQueueOptions {
  readonly name: string;
  /** Brings one object to what it should be. Called again after an error, later each time. */
  readonly reconcile: (key: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds after the first failure, doubled with each further one up to the maximum. */
  readonly retryMs?: { readonly first: number; readonly max: number };
}

/** Milliseconds after a first conflict; so many in a row are usual and not worth a line of the log. */
const CONFLICT_MS = 20;
const QUIET_CONFLICTS = 4;

interface Entry {
  running: boolean;
  /** Something happened while it ran, so that it must run again. */
  dirty: boolean;
  failures: number;
  cancelRetry: (() => void) | undefined;
}

/** Runs a function per key: never twice at the same time for one key, and once for many events that came meanwhile. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #planned = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    const entry = this.#entries.get(key) ?? { running: false, dirty: false, failures: 0, cancelRetry: undefined };
    this.#entries.set(key, entry);
    if (entry.running) {
      entry.dirty = true;
      return;
    }
    entry.cancelRetry?.();
    entry.cancelRetry = undefined;
    entry.running = true;
    // In a later turn: events that come in one go become one run.
    setImmediate(() => void this.#run(key, entry));
  }

  /** Runs the key again after a time, in milliseconds; of several times the earliest counts. */
  addLater(key: string, milliseconds: number): void {
    if (this.#stopped) return;
    const at = this.#options.clock.now() + milliseconds;
    const planned = this.#planned.get(key);
    if (planned !== undefined && planned.at <= at) return;
    planned?.cancel();
    const cancel = this.#options.clock.after(milliseconds, () => {
      this.#planned.delete(key);
      this.add(key);
    });
    this.#planned.set(key, { at, cancel });
  }

  stop(): void {
    this.#stopped = true;
    for (const entry of this.#entries.values()) entry.cancelRetry?.();
    for (const { cancel } of this.#planned.values()) cancel();
    this.#planned.clear();
    this.#entries.clear();
  }

  async #run(key: string, entry: Entry): Promise<void> {
    if (this.#stopped) return;
    entry.dirty = false;
    try {
      await this.#options.reconcile(key);
      entry.failures = 0;
    } catch (error) {
      this.#retry(key, entry, error);
    }
    entry.running = false;
    if (entry.dirty) this.add(key);
    else if (entry.failures === 0) this.#entries.delete(key);
  }

  #retry(key: string, entry: Entry, error: unknown): void {
    // Somebody else was quicker: what they wrote comes as an event, and looking again at once is right.
    const conflict =
      error instanceof StatusError &&
      (error.reason === "Conflict" || error.reason === "AlreadyExists" || error.reason === "NotFound");
    const { first, max } = this.#options.retryMs ?? { first: 50, max: 10_000 };
    const wait = Math.min(max, (conflict ? Math.min(first, CONFLICT_MS) : first) * 2 ** entry.failures);
    entry.failures++;
    if (!conflict || entry.failures > QUIET_CONFLICTS)
      this.#options.logger.warn({ controller: this.#options.name, key, error: String(error) }, "reconciling failed");
    entry.cancelRetry = this.#options.clock.after(wait, () => this.add(key));
  }
}
