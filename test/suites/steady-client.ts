import { setTimeout as delay } from "node:timers/promises";

export interface SteadyOptions {
  readonly url: string;
  /** Requests begun each second, whether or not earlier ones have ended, unless too many wait. */
  readonly rate: number;
  /** How long a request is tried again until it counts as lost, in milliseconds; 0 gives it one chance. */
  readonly patienceMs: number;
}

export interface Outcome {
  readonly answered: number;
  /** Of these, how many needed another try. */
  readonly retried: number;
  readonly lost: readonly string[];
}

/** Long, because on a busy machine a slow answer is no lost one. */
const TRY_MS = 20_000;
/** More than this at once would be load and not a measurement. */
const MOST_PENDING = 40;
const PAUSE_MS = 200;

/** A customer who never stops: sends at a fixed rate and remembers what became of every single request. */
export class SteadyClient {
  readonly #options: SteadyOptions;
  readonly #pending = new Set<Promise<void>>();
  readonly #lost: string[] = [];
  readonly #timer: NodeJS.Timeout;
  #answered = 0;
  #retried = 0;
  #lastTroubleAt = 0;

  constructor(options: SteadyOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (this.#pending.size >= MOST_PENDING) return;
      const request = this.#send().finally(() => this.#pending.delete(request));
      this.#pending.add(request);
    }, 1000 / options.rate);
  }

  /** Resolves when for so many milliseconds no request has needed a second try; rejects when that takes too long. */
  async calm(forMs: number, withinMs: number): Promise<void> {
    const began = Date.now();
    while (Date.now() - Math.max(began, this.#lastTroubleAt) < forMs) {
      if (Date.now() - began > withinMs)
        throw new Error(`requests still fail after ${withinMs} ms: ${this.#lost.at(-1)}`);
      await delay(PAUSE_MS);
    }
  }

  get soFar(): Outcome {
    return { answered: this.#answered, retried: this.#retried, lost: [...this.#lost] };
  }

  /** Sends no more and waits for those that are on their way. */
  async stop(): Promise<Outcome> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    return this.soFar;
  }

  async #send(): Promise<void> {
    const deadline = Date.now() + this.#options.patienceMs;
    for (let attempt = 1; ; attempt++) {
      const trouble = await this.#try();
      if (trouble === undefined) {
        this.#answered++;
        if (attempt > 1) this.#retried++;
        return;
      }
      this.#lastTroubleAt = Date.now();
      if (Date.now() >= deadline) {
        this.#lost.push(`${new Date().toISOString()} after ${attempt} tries: ${trouble}`);
        return;
      }
      await delay(PAUSE_MS);
    }
  }

  /** What went wrong; undefined if it was answered. */
  async #try(): Promise<string | undefined> {
    try {
      const response = await fetch(this.#options.url, { signal: AbortSignal.timeout(TRY_MS) });
      const text = await response.text();
      return response.status === 200 ? undefined : `${response.status} ${text.slice(0, 120)}`;
    } catch (error) {
      const { message, cause } = error as Error;
      return cause instanceof Error ? `${message}: ${cause.message}` : message;
    }
  }
}
