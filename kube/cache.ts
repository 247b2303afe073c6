import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "#api/kinds/object.ts";
import { type KubeClient, type ListQuery, search } from "./client.ts";
import { readLines, readText } from "./http.ts";
import { apiVersionOf, pathOf, type ResourceType } from "./resource.ts";
import { KubeError, kubeError } from "./status-error.ts";

export type Disposer = () => void;

export interface CacheOptions extends ListQuery {
  /** Told about every failure; the cache goes on by itself. */
  readonly onError?: (error: unknown) => void;
}

/** Seconds that one watch lasts before the server ends it and the next goes on from its last version. */
const WATCH_SECONDS = 300;
/** Silence after which a watch counts as dead: the server ends it earlier itself. */
const SILENT_MS = (WATCH_SECONDS + 30) * 1000;
const SHORT_WATCH_MS = 100;
const MAX_BACKOFF_MS = 10_000;

/**
 * A local copy of all objects of a kind: lists once, then watches; lists again when the server has forgotten where it was (410).
 * A dropped stream is taken up again. An event that changes nothing but bookkeeping is no change.
 */
export class ObjectCache<T extends KubeObject> {
  readonly ready: Promise<void>;
  readonly #client: KubeClient;
  readonly #type: ResourceType;
  readonly #options: CacheOptions;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: CacheChange<T>) => void>();
  readonly #controller = new AbortController();
  #snapshot: readonly T[] | undefined;
  #resourceVersion: string | undefined;
  #markReady: () => void = () => {};

  constructor(client: KubeClient, type: ResourceType, options: CacheOptions = {}) {
    this.#client = client;
    this.#type = type;
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
    void this.#run();
  }

  /** All objects now. The same array is returned until something changes. */
  get all(): readonly T[] {
    this.#snapshot ??= [...this.#objects.values()];
    return this.#snapshot;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  /** Version of the newest event that this copy contains. */
  get resourceVersion(): string {
    return this.#resourceVersion ?? "";
  }

  /** Tells changes from now on; a new list counts as the changes that it brings. */
  onChange(listener: (change: CacheChange<T>) => void): Disposer {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    this.#controller.abort();
    this.#listeners.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        const began = Date.now();
        await this.#watch();
        failures = 0;
        // A server that ends watches at once would otherwise be asked without a pause.
        if (Date.now() - began < SHORT_WATCH_MS) await delay(SHORT_WATCH_MS, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof KubeError && error.code === 410) {
          this.#resourceVersion = undefined;
          continue;
        }
        this.#options.onError?.(error);
        const backoff = Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures++);
        await delay(backoff * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      }
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#client.list<T>(this.#type, this.#options, {
      signal: this.#controller.signal,
    });
    const present = new Set(items.map(objectKey));
    for (const [key, object] of this.#objects) if (!present.has(key)) this.#remove(key, object);
    for (const item of items) this.#put(item);
    this.#resourceVersion = resourceVersion;
    this.#markReady();
  }

  async #watch(): Promise<void> {
    const query = search({
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WATCH_SECONDS),
      resourceVersion: this.#resourceVersion,
      labelSelector: this.#options.labelSelector,
      fieldSelector: this.#options.fieldSelector,
    });
    const path = pathOf(this.#type, this.#options.namespace) + query;
    const response = await this.#client.http.send({ method: "GET", path, signal: this.#controller.signal });
    if ((response.statusCode ?? 0) >= 400) throw kubeError(response.statusCode ?? 0, await readText(response));
    response.setTimeout(SILENT_MS, () => response.destroy(new Error(`the watch of ${path} fell silent`)));
    for await (const line of readLines(response)) this.#event(JSON.parse(line) as WatchEvent<T>);
  }

  #event({ type, object }: WatchEvent<T>): void {
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        this.#put(object);
        break;
      case "DELETED":
        this.#remove(objectKey(object), object);
        break;
      case "BOOKMARK":
        break;
      case "ERROR": {
        const status = object as unknown as {
          readonly code?: number;
          readonly reason?: string;
          readonly message?: string;
        };
        throw new KubeError(status.code ?? 500, status.reason ?? "", status.message ?? "the watch failed");
      }
    }
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  #put(object: T): void {
    const key = objectKey(object);
    const before = this.#objects.get(key);
    if (before !== undefined && before.metadata.resourceVersion === object.metadata.resourceVersion) return;
    const complete = object.kind ? object : { ...object, apiVersion: apiVersionOf(this.#type) };
    this.#objects.set(key, complete);
    this.#snapshot = undefined;
    if (before !== undefined && sameContent(before, object)) return;
    this.#tell({ before, after: complete });
  }

  #remove(key: string, object: T): void {
    if (!this.#objects.delete(key)) return;
    this.#snapshot = undefined;
    this.#tell({ before: object, after: undefined });
  }

  #tell(change: CacheChange<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

export interface CacheChange<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`;
const objectKey = ({ metadata }: KubeObject): string => keyOf(metadata.namespace, metadata.name ?? "");

function sameContent(a: KubeObject, b: KubeObject): boolean {
  const { resourceVersion: _a, managedFields: _ma, ...metadataA } = a.metadata;
  const { resourceVersion: _b, managedFields: _mb, ...metadataB } = b.metadata;
  return isDeepStrictEqual({ ...a, metadata: metadataA }, { ...b, metadata: metadataB });
}
