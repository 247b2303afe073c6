import type { ApiObject } from "../machinery/api-object.ts";

export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ApiObject;
  /** The state before, for those who select: an object may enter or leave a selection by a change. */
  readonly previous: ApiObject | undefined;
  readonly revision: number;
}

export type ChangeListener = (change: Change) => void;

/** The changes after the asked revision are no longer remembered. */
export class RevisionGone extends Error {
  override readonly name = "RevisionGone";
  readonly oldest: number;
  constructor(asked: number, oldest: number) {
    super(`too old resource version: ${asked} (${oldest})`);
    this.oldest = oldest;
  }
}

interface Bucket {
  readonly listeners: Set<ChangeListener>;
  readonly history: Change[];
  /** Changes up to this revision are forgotten. */
  forgotten: number;
}

/** Changes remembered per kind; as many as Kubernetes' smallest watch cache times ten. */
const HISTORY = 1000;

/** Fans changes out to watchers and remembers the latest of each kind. */
export class WatchHub {
  readonly #buckets = new Map<string, Bucket>();
  readonly #start: number;
  readonly #onError: (error: unknown) => void;

  constructor(start: number, onError: (error: unknown) => void) {
    this.#start = start;
    this.#onError = onError;
  }

  publish(name: string, change: Change): void {
    const bucket = this.#bucket(name);
    bucket.history.push(change);
    // Trimmed in halves, so that a write does not shift the whole window.
    if (bucket.history.length >= HISTORY * 2) bucket.forgotten = bucket.history.splice(0, HISTORY).at(-1)!.revision;
    for (const listener of bucket.listeners) this.#deliver(listener, change);
  }

  /** The changes of a bucket after a revision, oldest first. Fails with RevisionGone when they are no longer known. */
  changesAfter(name: string, after: number): readonly Change[] {
    const bucket = this.#bucket(name);
    if (after < bucket.forgotten) throw new RevisionGone(after, bucket.forgotten);
    return bucket.history.filter((change) => change.revision > after);
  }

  watch(name: string, after: number, listener: ChangeListener): () => void {
    const bucket = this.#bucket(name);
    if (after < bucket.forgotten) throw new RevisionGone(after, bucket.forgotten);
    for (const change of bucket.history) if (change.revision > after) this.#deliver(listener, change);
    bucket.listeners.add(listener);
    return () => bucket.listeners.delete(listener);
  }

  #deliver(listener: ChangeListener, change: Change): void {
    try {
      listener(change);
    } catch (error) {
      this.#onError(error); // one watcher's fault must not reach the writer or the others
    }
  }

  #bucket(name: string): Bucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { listeners: new Set(), history: [], forgotten: this.#start };
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}
