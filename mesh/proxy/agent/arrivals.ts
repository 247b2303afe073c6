/** Which names are known, and waiting for some of them with a limit. */
export class Arrivals {
  readonly #known = new Set<string>();
  readonly #waiting = new Set<() => void>();

  add(names: Iterable<string>): void {
    for (const name of names) this.#known.add(name);
    this.check();
  }

  /** Looks again whether waits are over; for when what is waited for became less. */
  check(): void {
    for (const check of [...this.#waiting]) check();
  }

  remove(names: Iterable<string>): void {
    for (const name of names) this.#known.delete(name);
  }

  /** Resolves when all are known, to nothing, or after the limit to those that are still missing. */
  all(names: () => readonly string[], limitMs: number): Promise<readonly string[]> {
    const missing = (): string[] => names().filter((name) => !this.#known.has(name));
    if (missing().length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(missing());
      };
      const check = (): void => {
        if (missing().length === 0) finish();
      };
      const timer = setTimeout(finish, limitMs);
      this.#waiting.add(check);
    });
  }
}
