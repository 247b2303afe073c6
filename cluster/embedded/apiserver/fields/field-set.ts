import { isObject, type JsonObject } from "../../machinery/json.ts";

/**
 * A set of field paths, as a tree. Path elements are those of fieldsV1: `f:name` a field, `k:{…}` an item by its keys, `v:…` an item
 * of a set. Source: KEP-555.
 */
export class FieldSet {
  /** Whether the path that leads here is in the set itself. */
  member = false;
  readonly children = new Map<string, FieldSet>();

  static decode(fields: JsonObject | undefined): FieldSet {
    const set = new FieldSet();
    for (const [name, below] of Object.entries(fields ?? {})) {
      if (name === ".") {
        set.member = true;
        continue;
      }
      const child = FieldSet.decode(isObject(below) ? below : {});
      // A leaf is written as an empty object.
      if (child.children.size === 0) child.member = true;
      set.children.set(name, child);
    }
    return set;
  }

  encode(): JsonObject {
    const result: JsonObject = this.member && this.children.size > 0 ? { ".": {} } : {};
    for (const name of [...this.children.keys()].sort()) result[name] = this.children.get(name)!.encode();
    return result;
  }

  get isEmpty(): boolean {
    return !this.member && this.children.size === 0;
  }

  insert(path: readonly string[]): void {
    let node: FieldSet = this;
    for (const element of path) {
      let child = node.children.get(element);
      if (child === undefined) {
        child = new FieldSet();
        node.children.set(element, child);
      }
      node = child;
    }
    node.member = true;
  }

  union(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a || b);
  }

  minus(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && !b);
  }

  and(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && b);
  }

  /** The paths in the set, in order. */
  *paths(before: readonly string[] = []): Generator<readonly string[]> {
    if (this.member) yield before;
    for (const name of [...this.children.keys()].sort()) yield* this.children.get(name)!.paths([...before, name]);
  }
}

const none = new FieldSet();

function combine(a: FieldSet, b: FieldSet, isIn: (a: boolean, b: boolean) => boolean): FieldSet {
  const result = new FieldSet();
  result.member = isIn(a.member, b.member);
  for (const name of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(name) ?? none, b.children.get(name) ?? none, isIn);
    if (!child.isEmpty) result.children.set(name, child);
  }
  return result;
}
