import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "#api/kinds/object.ts";
import type { Origin } from "../model/snapshot.ts";

/** Parsed objects of one kind by "namespace/name". An object that parses to an equal value keeps the old one, and is no change. */
export class Table<Value> {
  readonly #parse: (object: KubeObject) => Value | undefined;
  readonly #working = new Map<string, Value>();
  #view: ReadonlyMap<string, Value> | undefined;
  #sorted: readonly Value[] | undefined;

  constructor(parse: (object: KubeObject) => Value | undefined) {
    this.#parse = parse;
  }

  /** A new map after each change, the same one in between. */
  get map(): ReadonlyMap<string, Value> {
    this.#view ??= new Map(this.#working);
    return this.#view;
  }

  /** Values by age of their object, then by name: the order in which conflicts are decided. */
  get oldestFirst(): readonly Value[] {
    this.#sorted ??= [...this.#working.values()].toSorted(byAge);
    return this.#sorted;
  }

  /** Whether something changed. Throws what the parser throws. */
  put(object: KubeObject): boolean {
    const key = keyOf(object);
    const value = this.#parse(object);
    if (value === undefined) return this.delete(object);
    const before = this.#working.get(key);
    if (before !== undefined && isDeepStrictEqual(withoutVersion(before), withoutVersion(value))) return false;
    this.#working.set(key, value);
    this.#forgetViews();
    return true;
  }

  delete(object: KubeObject): boolean {
    if (!this.#working.delete(keyOf(object))) return false;
    this.#forgetViews();
    return true;
  }

  #forgetViews(): void {
    this.#view = undefined;
    this.#sorted = undefined;
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;

const hasOrigin = (value: unknown): value is { readonly origin: Origin } =>
  typeof value === "object" && value !== null && "origin" in value;

/** A new resourceVersion alone (a status, a label) changes nothing for proxies. */
const withoutVersion = (value: unknown): unknown =>
  hasOrigin(value) ? { ...value, origin: { ...value.origin, resourceVersion: "" } } : value;

function byAge(a: unknown, b: unknown): number {
  if (!hasOrigin(a) || !hasOrigin(b)) return 0;
  const left = `${a.origin.created} ${a.origin.namespace}/${a.origin.name}`;
  const right = `${b.origin.created} ${b.origin.namespace}/${b.origin.name}`;
  return left < right ? -1 : left > right ? 1 : 0;
}
