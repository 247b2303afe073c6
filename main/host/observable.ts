export type Disposer = () => void;

/** A value that others may watch. Watchers are called at once with the current value, then on every change. */
export interface Observable<T> {
  readonly value: T;
  watch(watcher: (value: T) => void): Disposer;
}

export class Subject<T> implements Observable<T> {
  #value: T;
  readonly #watchers = new Set<(value: T) => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  watch(watcher: (value: T) => void): Disposer {
    this.#watchers.add(watcher);
    watcher(this.#value);
    return () => this.#watchers.delete(watcher);
  }
}

/** The value that the newest of `sources` leads to, and every one after it. */
export function follow<Source, T>(sources: Observable<Source>, to: (source: Source) => Observable<T>): Observable<T> {
  return {
    get value() {
      return to(sources.value).value;
    },
    watch: (watcher) => {
      let dispose: Disposer = () => {};
      const unwatch = sources.watch((source) => {
        dispose();
        dispose = to(source).watch(watcher);
      });
      return () => {
        unwatch();
        dispose();
      };
    },
  };
}

/** Resolves with the first value that fits; rejects when the signal aborts. */
export function whenValue<T>(source: Observable<T>, fits: (value: T) => boolean, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    let dispose: Disposer | undefined;
    let settled = false;
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const settle = (then: () => void): void => {
      if (settled) return;
      settled = true;
      dispose?.();
      signal?.removeEventListener("abort", onAbort);
      then();
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", onAbort);
    dispose = source.watch((value) => {
      if (fits(value)) settle(() => resolve(value));
    });
    if (settled) dispose();
  });
}
