/**
 * Remembers what was built from which inputs, so that a push rebuilds only what its inputs changed. Inputs are compared by
 * identity: snapshots share unchanged parts. The result of a translation never depends on what is remembered.
 */
export class Memo {
  readonly #entries = new Map<string, { deps: readonly unknown[]; value: unknown; used: number }>();
  #round = 0;

  /** The value built under this key from these inputs, built anew if an input is another than last time. */
  get<T>(key: string, deps: readonly unknown[], build: () => T): T {
    const entry = this.#entries.get(key);
    if (entry !== undefined && sameElements(entry.deps, deps)) {
      entry.used = this.#round;
      return entry.value as T;
    }
    const value = build();
    this.#entries.set(key, { deps, value, used: this.#round });
    return value;
  }

  /** Forgets what no translation asked for since the sweep before the last one. */
  sweep(): void {
    for (const [key, entry] of this.#entries) if (entry.used < this.#round - 1) this.#entries.delete(key);
    this.#round += 1;
  }

  get size(): number {
    return this.#entries.size;
  }
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
