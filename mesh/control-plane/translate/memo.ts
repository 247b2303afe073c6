/**
 * Remembers what was built from which inputs, so that a push rebuilds only what its inputs changed. Inputs are compared by
 * identity: snapshots share unchanged parts. The result of a translation never depends on what is remembered.
 */
export class Memo {
  readonly #entries = new Map<string, { deps: readonly unknown[]; value: unknown; used: number }>();
  readonly #owned = new WeakMap<object, Map<string, { readonly deps: readonly unknown[]; readonly value: unknown }>>();
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

  /** As `get`, for what belongs to one object: forgotten with it. Cheaper, since the key can be short. */
  of<T>(owner: object, key: string, deps: readonly unknown[], build: () => T): T {
    let entries = this.#owned.get(owner);
    if (entries === undefined) {
      entries = new Map();
      this.#owned.set(owner, entries);
    }
    const entry = entries.get(key);
    if (entry !== undefined && sameElements(entry.deps, deps)) return entry.value as T;
    const value = build();
    entries.set(key, { deps, value });
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
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
