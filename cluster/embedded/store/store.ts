import type { ApiObject } from "../machinery/api-object.ts";
import { deepFreeze } from "../machinery/json.ts";
import { type Disk, openDisk } from "./disk.ts";
import { type ChangeListener, WatchHub } from "./watch-hub.ts";

/** Where an object lies. The bucket is `group/resource`; cluster-scoped objects have the namespace "". */
export interface ObjectKey {
  readonly bucket: string;
  readonly namespace: string;
  readonly name: string;
}

/** A write: it happens only if the stored revision is `expected` (0: there is no such object). `next` undefined deletes. */
export interface Write {
  readonly key: ObjectKey;
  readonly expected: number;
  readonly next: ApiObject | undefined;
}

/** The stored object is not the one the writer saw. */
export class RevisionConflict extends Error {
  override readonly name = "RevisionConflict";
  readonly exists: boolean;
  constructor(exists: boolean) {
    super("the object has changed");
    this.exists = exists;
  }
}

interface Entry {
  readonly object: ApiObject;
  readonly revision: number;
}

interface Pending {
  readonly write: Write;
  readonly resolve: (object: ApiObject) => void;
  readonly reject: (error: unknown) => void;
}

interface Accepted {
  readonly pending: Pending;
  readonly previous: ApiObject | undefined;
  readonly object: ApiObject;
  readonly bytes: Buffer | undefined;
  readonly revision: number;
}

const rowKey = ({ bucket, namespace, name }: ObjectKey): string => `${bucket}\u0000${namespace}\u0000${name}`;

/**
 * All objects in memory, every acknowledged write on disk. Writes that come in while one is being committed go to disk together
 * as the next transaction; readers and watchers see a write only after its commit.
 */
export class Store {
  readonly #disk: Disk;
  readonly #buckets = new Map<string, Map<string, Map<string, Entry>>>();
  readonly #hub: WatchHub;
  readonly #encoded = new WeakMap<object, Buffer>();
  #revision: number;
  #queue: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #closed = false;

  private constructor(disk: Disk, onListenerError: (error: unknown) => void) {
    this.#disk = disk;
    this.#revision = disk.revision;
    for (const row of disk.rows())
      this.#put(row.key, { object: deepFreeze(row.object), revision: Number(row.object.metadata.resourceVersion) });
    this.#hub = new WatchHub(this.#revision, onListenerError);
  }

  /** Opens or makes the store in a folder. Fails with AppError STATE_CORRUPT or DISK_FULL. */
  static open(folder: string, options: { onListenerError?: (error: unknown) => void } = {}): Store {
    return new Store(openDisk(folder), options.onListenerError ?? (() => {}));
  }

  /** The latest committed revision. */
  get revision(): number {
    return this.#revision;
  }

  get(key: ObjectKey): ApiObject | undefined {
    return this.#entry(key)?.object;
  }

  /** Objects in order of namespace and name, as of `revision`. */
  list(bucket: string, namespace?: string): readonly ApiObject[] {
    const spaces = this.#buckets.get(bucket);
    if (spaces === undefined) return [];
    const wanted = namespace === undefined ? [...spaces.keys()].sort() : [namespace];
    return wanted.flatMap((space) => {
      const entries = spaces.get(space);
      return entries === undefined ? [] : [...entries.keys()].sort().map((name) => entries.get(name)!.object);
    });
  }

  /** Like list, as it was at a revision: what changed since is undone. Fails with RevisionGone when that is no longer known. */
  listAt(bucket: string, namespace: string | undefined, revision: number): readonly ApiObject[] {
    if (revision >= this.#revision) return this.list(bucket, namespace);
    const changes = this.#hub.changesAfter(bucket, revision);
    if (changes.length === 0) return this.list(bucket, namespace);
    const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ""}\u0000${metadata.name ?? ""}`;
    const states = new Map(this.list(bucket).map((object) => [keyOf(object), object]));
    for (const { object, previous } of changes.toReversed()) {
      if (previous === undefined) states.delete(keyOf(object));
      else states.set(keyOf(object), previous);
    }
    return [...states.keys()]
      .sort()
      .map((key) => states.get(key)!)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  }

  /** The names of the buckets that hold anything. */
  buckets(): readonly string[] {
    return [...this.#buckets.keys()];
  }

  /** The object's JSON, encoded once. */
  encode(object: ApiObject): Buffer {
    const known = this.#encoded.get(object);
    if (known !== undefined) return known;
    const bytes = Buffer.from(JSON.stringify(object));
    if (Object.isFrozen(object)) this.#encoded.set(object, bytes);
    return bytes;
  }

  /** Resolves with the object as stored (for a deletion: its last state, with the revision of the deletion). */
  commit(write: Write): Promise<ApiObject> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the store is closed"));
        return;
      }
      this.#queue.push({ write, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Changes of a bucket after a revision, past ones first. Fails with RevisionGone when they are no longer known. */
  watch(bucket: string, after: number, listener: ChangeListener): () => void {
    return this.#hub.watch(bucket, after, listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#disk.close();
  }

  async #flush(): Promise<void> {
    await Promise.resolve(); // writes of one turn share a transaction
    while (this.#queue.length > 0) {
      const accepted = this.#accept(this.#queue.splice(0));
      if (accepted.length === 0) continue;
      try {
        const revision = accepted.at(-1)!.revision;
        const rows = accepted.map(({ pending, bytes }) => ({ key: pending.write.key, bytes }));
        await this.#disk.commit(rows, revision);
        this.#publish(accepted);
      } catch (error) {
        for (const { pending } of accepted) pending.reject(error);
      }
    }
    this.#flushing = undefined;
  }

  /** Decides in order which writes happen, each seeing the ones before it. */
  #accept(batch: readonly Pending[]): readonly Accepted[] {
    const overlay = new Map<string, Entry | undefined>();
    const accepted: Accepted[] = [];
    let revision = this.#revision;
    for (const pending of batch) {
      const { key, expected, next } = pending.write;
      const id = rowKey(key);
      const current = overlay.has(id) ? overlay.get(id) : this.#entry(key);
      if ((current?.revision ?? 0) !== expected) {
        pending.reject(new RevisionConflict(current !== undefined));
        continue;
      }
      revision += 1;
      const base = next ?? current?.object;
      if (base === undefined) {
        pending.reject(new RevisionConflict(false));
        continue;
      }
      const object: ApiObject = { ...base, metadata: { ...base.metadata, resourceVersion: String(revision) } };
      const bytes = Buffer.from(JSON.stringify(object));
      deepFreeze(object);
      this.#encoded.set(object, bytes);
      overlay.set(id, next === undefined ? undefined : { object, revision });
      accepted.push({
        pending,
        previous: current?.object,
        object,
        revision,
        bytes: next === undefined ? undefined : bytes,
      });
    }
    return accepted;
  }

  #publish(accepted: readonly Accepted[]): void {
    for (const { pending, previous, object, revision } of accepted) {
      const { key, next } = pending.write;
      if (next === undefined) this.#remove(key);
      else this.#put(key, { object, revision });
      this.#revision = revision;
      const type = next === undefined ? "DELETED" : previous === undefined ? "ADDED" : "MODIFIED";
      this.#hub.publish(key.bucket, { type, object, previous, revision });
      pending.resolve(object);
    }
  }

  #entry({ bucket, namespace, name }: ObjectKey): Entry | undefined {
    return this.#buckets.get(bucket)?.get(namespace)?.get(name);
  }

  #put({ bucket, namespace, name }: ObjectKey, entry: Entry): void {
    let spaces = this.#buckets.get(bucket);
    if (spaces === undefined) {
      spaces = new Map();
      this.#buckets.set(bucket, spaces);
    }
    let entries = spaces.get(namespace);
    if (entries === undefined) {
      entries = new Map();
      spaces.set(namespace, entries);
    }
    entries.set(name, entry);
  }

  #remove({ bucket, namespace, name }: ObjectKey): void {
    const spaces = this.#buckets.get(bucket);
    const entries = spaces?.get(namespace);
    entries?.delete(name);
    if (entries?.size === 0) spaces?.delete(namespace);
    if (spaces?.size === 0) this.#buckets.delete(bucket);
  }
}
