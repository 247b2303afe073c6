import type { KnownType, ResourceTypes } from "../controllers/context.ts";
import type { Store } from "../store/store.ts";
import { kindsOf } from "./custom-kinds.ts";
import { isServed } from "./definitions/naming.ts";
import { builtInKinds, type Kind } from "./kinds.ts";

const DEFINITIONS = "apiextensions.k8s.io/customresourcedefinitions";

/** All kinds that are served now: the built-in ones and those of definitions. */
export class Catalog implements ResourceTypes {
  readonly #store: Store;
  readonly #listeners = new Set<() => void>();
  #kinds: readonly Kind[] = [];
  #byPath = new Map<string, Kind>();

  constructor(store: Store) {
    this.#store = store;
    this.#rebuild();
    store.watch(DEFINITIONS, store.revision, () => this.#rebuild());
  }

  get kinds(): readonly Kind[] {
    return this.#kinds;
  }

  find(group: string, version: string, resource: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  findKind(apiVersion: string, kind: string): Kind | undefined {
    return this.#kinds.find(
      (candidate) =>
        candidate.kind === kind &&
        (candidate.group === "" ? candidate.version : `${candidate.group}/${candidate.version}`) === apiVersion,
    );
  }

  /** One version of each kind. */
  all(): readonly KnownType[] {
    const seen = new Set<string>();
    return this.#kinds.filter(({ group, resource }) => {
      const key = `${group}/${resource}`;
      return seen.has(key) ? false : seen.add(key);
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #rebuild(): void {
    const custom = this.#store.list(DEFINITIONS).filter(isServed).flatMap(kindsOf);
    this.#kinds = [...builtInKinds, ...custom];
    this.#byPath = new Map(this.#kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.resource}`, kind]));
    for (const listener of this.#listeners) listener();
  }
}
