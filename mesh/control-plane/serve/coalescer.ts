export interface CoalescerOptions {
  /** Quiet time after which a change goes out. */
  readonly quietMs: number;
  /** The quiet time doubles with each event of a burst up to this. */
  readonly maxQuietMs: number;
  /** A change never waits longer than this. */
  readonly maxWaitMs: number;
  readonly now: () => number;
}

export const defaultCoalescing: CoalescerOptions = {
  quietMs: 2,
  maxQuietMs: 20,
  maxWaitMs: 100,
  now: () => performance.now(),
};

/** Gathers events into one run: at once for a single one, less often under a burst, and never later than a bound. */
export class Coalescer {
  readonly #options: CoalescerOptions;
  readonly #run: () => void;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #quiet: number;

  constructor(run: () => void, options: CoalescerOptions = defaultCoalescing) {
    this.#run = run;
    this.#options = options;
    this.#quiet = options.quietMs;
  }

  /** Something happened. */
  notify(): void {
    const now = this.#options.now();
    if (this.#timer === undefined) {
      this.#since = now;
    } else {
      clearTimeout(this.#timer);
      this.#quiet = Math.min(this.#quiet * 2, this.#options.maxQuietMs);
    }
    const left = this.#since + this.#options.maxWaitMs - now;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, Math.min(this.#quiet, left)));
  }

  /** Forgets what waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#quiet = this.#options.quietMs;
    this.#run();
  }
}
