import { isObject, type Json } from "../../machinery/json.ts";

/**
 * What a value may be, and how it merges: the one description of fields that patches, server-side apply, ownership and the check
 * of unknown fields share, for built-in kinds and for those of definitions. Source: KEP-555 and Kubernetes' markers of lists and maps.
 */
export type Shape =
  | LeafShape
  | { readonly kind: "any" }
  | StructShape
  | { readonly kind: "map"; readonly atomic: boolean; readonly value: Shape }
  | ListShape;

export interface LeafShape {
  readonly kind: "leaf";
  readonly type: LeafType;
}

export type LeafType =
  | "string"
  | "int32"
  | "int64"
  | "number"
  | "boolean"
  | "time"
  | "bytes"
  | "quantity"
  | "int-or-string";

/** Fields by name. */
export interface StructShape {
  readonly kind: "struct";
  /** For messages: the type's own name, as `Container`. */
  readonly name: string;
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, Field>;
  /** What fields may be that are not listed; undefined where there are none. */
  readonly others: Shape | undefined;
}

export interface ListShape {
  readonly kind: "list";
  readonly item: Shape;
  /** How it merges: whole, as a set, or by the keys of its items. */
  readonly merges: "whole" | "set" | readonly string[];
  /** What a strategic merge patch goes by: the key of its items, or "" for a set; undefined replaces the list. */
  readonly patchKey: string | undefined;
}

export interface Field {
  readonly shape: Shape;
  readonly required: boolean;
  /** In Go a struct and no pointer: it is there even when nothing was said. */
  readonly always: boolean;
  /** What it is when it is not said; only where a key of a list needs it. */
  readonly otherwise: Json | undefined;
}

export const anything: Shape = { kind: "any" };

/** The shape of a field of a struct or map; undefined if there is none such. */
export function fieldShape(shape: Shape, name: string): Shape | undefined {
  switch (shape.kind) {
    case "struct":
      return shape.fields.get(name)?.shape ?? shape.others;
    case "map":
      return shape.value;
    case "any":
      return anything;
    default:
      return undefined;
  }
}

/** Whether a value is owned and compared as one, whatever is in it. */
export function isWhole(shape: Shape, value: Json | undefined): boolean {
  switch (shape.kind) {
    case "leaf":
      return true;
    case "any":
      return !isObject(value);
    case "struct":
    case "map":
      return shape.atomic;
    case "list":
      return shape.merges === "whole";
  }
}

/** The keys of an item as a path element `k:{…}`, or `v:…` of a set. Keys that are not said have their default. */
export function itemPath(item: Json, list: ListShape): string {
  if (list.merges === "set" || list.merges === "whole") return `v:${JSON.stringify(item)}`;
  const object = isObject(item) ? item : {};
  const keys = list.merges.toSorted().flatMap((key) => {
    const value = object[key] ?? defaultOf(list.item, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

const defaultOf = (shape: Shape, key: string): Json | undefined =>
  shape.kind === "struct" ? shape.fields.get(key)?.otherwise : undefined;
