import type { KubeObject } from "#api/kinds/object.ts";
import type { Disposer, Resources, ResourceType } from "./resources.ts";

/** The current objects of one type, kept by a watch. */
export interface ObjectCache<T extends KubeObject> {
  readonly synced: Promise<void>;
  get(namespace: string, name: string): T | undefined;
  all(): Iterable<T>;
  /** Called after a change, with what the object was before. Returns the disposer. */
  onChange(listener: (change: CacheChange<T>) => void): Disposer;
  close(): void;
}

export interface CacheChange<T> {
  readonly before: T | undefined;
  /** Undefined when it was deleted. */
  readonly after: T | undefined;
}

/** Watches a type; `fieldSelector` and `namespace` narrow it. */
export function watchCache<T extends KubeObject>(
  resources: Resources,
  type: ResourceType,
  options: { fieldSelector?: string } = {},
): ObjectCache<T> {
  const objects = new Map<string, T>();
  const listeners = new Set<(change: CacheChange<T>) => void>();
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  const keyOf = (object: T): string => `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
  const close = resources.watch<T>(type, options, {
    onSynced: resolve,
    onEvent: ({ type: kind, object }) => {
      const key = keyOf(object);
      const before = objects.get(key);
      if (kind === "DELETED") objects.delete(key);
      else objects.set(key, object);
      for (const listener of listeners) listener({ before, after: kind === "DELETED" ? undefined : object });
    },
  });
  return {
    synced,
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    all: () => objects.values(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}
