import { equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { FieldSet } from "./field-set.ts";
import { anything, fieldShape, isWhole, itemPath, type ListShape, type Shape } from "./shape.ts";

/** Which fields two states of an object have, and have differently. */
export interface Changes {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two states field by field; lists with keys item by item. Source: KEP-555. */
export function changesBetween(before: Json | undefined, after: Json | undefined, shape: Shape): Changes {
  const changes = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  visit({ before, after, shape }, [], changes);
  return changes;
}

/** The fields that a configuration sets. */
export function fieldsOf(value: Json, shape: Shape): FieldSet {
  const set = new FieldSet();
  collect(value, { shape, path: [], isItem: true }, set);
  set.member = false;
  return set;
}

interface Pair {
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly shape: Shape;
}

function visit({ before, after, shape }: Pair, path: string[], changes: Changes): void {
  if (before === undefined && after === undefined) return;
  const pairs =
    (isEmpty(before) && isEmpty(after)) || isWhole(shape, after ?? before) ? undefined : parts(before, after, shape);
  if (pairs === undefined) {
    if (before !== undefined && after !== undefined) {
      if (!equalJson(before, after)) changes.modified.insert(path);
      return;
    }
  } else {
    for (const [element, pair] of pairs) {
      path.push(element);
      visit(pair, path, changes);
      path.pop();
    }
  }
  if (before === undefined) changes.added.insert(path);
  else if (after === undefined) changes.removed.insert(path);
}

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) ? value.length === 0 : isObject(value) && isEmptyObject(value));

function isEmptyObject(value: JsonObject): boolean {
  for (const name in value) if (value[name] !== undefined) return false;
  return true;
}

/** What is in two values, side by side; undefined when they cannot be taken apart alike. */
function parts(
  before: Json | undefined,
  after: Json | undefined,
  shape: Shape,
): readonly (readonly [string, Pair])[] | undefined {
  if (shape.kind === "list") {
    const [was, is] = [itemsOf(before, shape), itemsOf(after, shape)];
    if (was === undefined || is === undefined) return undefined;
    return [...new Set([...was.keys(), ...is.keys()])].map(
      (path) => [path, { before: was.get(path), after: is.get(path), shape: shape.item }] as const,
    );
  }
  const [was, is] = [before ?? {}, after ?? {}];
  if (!isObject(was) || !isObject(is)) return undefined;
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map(
    (name) =>
      [`f:${name}`, { before: was[name], after: is[name], shape: fieldShape(shape, name) ?? anything }] as const,
  );
}

function itemsOf(value: Json | undefined, list: ListShape): ReadonlyMap<string, Json> | undefined {
  if (value === undefined || value === null) return new Map();
  return Array.isArray(value) ? new Map(value.map((item) => [itemPath(item, list), item])) : undefined;
}

function collect(
  value: Json,
  { shape, path, isItem }: { readonly shape: Shape; readonly path: string[]; readonly isItem: boolean },
  set: FieldSet,
): void {
  if (isItem || isEmpty(value) || isWhole(shape, value)) set.insert(path);
  if (isEmpty(value) || isWhole(shape, value)) return;
  if (shape.kind === "list") {
    if (!Array.isArray(value)) return set.insert(path);
    for (const item of value)
      collect(item, { shape: shape.item, path: [...path, itemPath(item, shape)], isItem: true }, set);
    return;
  }
  if (!isObject(value)) return set.insert(path);
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const isField = shape.kind === "struct" && shape.fields.has(name);
    const inner = fieldShape(shape, name) ?? anything;
    collect(member, { shape: inner, path: [...path, `f:${name}`], isItem: !isField }, set);
  }
}
