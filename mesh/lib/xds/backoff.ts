/** Delays that double up to a limit, each drawn at random from its upper half so that many clients do not return at once. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maximumMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(options: { readonly initialMs: number; readonly maximumMs: number; readonly random?: () => number }) {
    this.#initialMs = options.initialMs;
    this.#maximumMs = options.maximumMs;
    this.#random = options.random ?? Math.random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const limit = Math.min(this.#maximumMs, this.#initialMs * 2 ** Math.min(this.#attempt++, 30));
    return Math.round(limit / 2 + (this.#random() * limit) / 2);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
