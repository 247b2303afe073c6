import type { Json, JsonObject } from "../../machinery/json.ts";
import type { Kind } from "../kinds.ts";
import { builtInTable } from "./built-in-table.ts";
import { anything, type Field, type LeafType, type Shape, type StructShape } from "./shape.ts";

const leaves: Readonly<Record<string, LeafType>> = {
  s: "string",
  i: "int32",
  l: "int64",
  n: "number",
  b: "boolean",
  t: "time",
  y: "bytes",
  Q: "quantity",
  q: "int-or-string",
};

/**
 * The shapes of the built-in kinds. A line of the table is `Type field=type …`: `Type@` is atomic, `field!` is required. A type is a
 * letter above, `*` for anything, `{` map of, `[` list of, else the name of a type; `{@` is atomic; `[(a,b)` is a list with those
 * keys, `[(*)` a set, `~key;` what strategic merge patches go by. `.` at the end: there even when it is not said; `:x`: x when it
 * is not said.
 */
export class BuiltInShapes {
  /** Lines are taken apart when their type is first met: most never are. */
  readonly #lines: ReadonlyMap<string, string>;
  readonly #types = new Map<string, StructShape>();

  constructor() {
    const lines = builtInTable.trim().split("\n");
    this.#lines = new Map(lines.map((line) => [line.slice(0, line.search(/[@ ]|$/)), line]));
  }

  /** The names of all types, as `core.v1.Container`. */
  get names(): Iterable<string> {
    return this.#lines.keys();
  }

  /** Undefined for kinds that the table does not know. */
  ofKind({ group, version, kind }: Pick<Kind, "group" | "version" | "kind">): StructShape | undefined {
    return this.ofType(typeName(group, version, kind));
  }

  ofType(id: string): StructShape | undefined {
    const known = this.#types.get(id);
    if (known !== undefined) return known;
    const line = this.#lines.get(id);
    if (line === undefined) return undefined;
    const [head = "", ...pairs] = line.split(" ");
    const shape = new LazyStruct(id, head.endsWith("@"), () => new Map(pairs.map((pair) => this.#field(pair))));
    this.#types.set(id, shape);
    return shape;
  }

  #field(pair: string): [string, Field] {
    const equals = pair.indexOf("=");
    const [name, type] = [pair.slice(0, equals), pair.slice(equals + 1)];
    const required = name.endsWith("!");
    const colon = type.indexOf(":");
    const plain = colon === -1 ? type : type.slice(0, colon);
    const always = plain.endsWith(".");
    return [
      required ? name.slice(0, -1) : name,
      {
        shape: this.#shape(always ? plain.slice(0, -1) : plain),
        required,
        always,
        otherwise: colon === -1 ? undefined : type.slice(colon + 1),
      },
    ];
  }

  #shape(type: string): Shape {
    if (type.startsWith("[")) {
      const [, , keys, , patchKey, item = ""] = /^\[(\(([^)]*)\))?(~([^;]*);)?(.*)$/.exec(type) ?? [];
      const merges = keys === undefined ? "whole" : keys === "*" ? "set" : keys.split(",");
      return { kind: "list", item: this.#shape(item), merges, patchKey };
    }
    if (type.startsWith("{")) {
      const atomic = type.startsWith("{@");
      return { kind: "map", atomic, value: this.#shape(type.slice(atomic ? 2 : 1)) };
    }
    const leaf = leaves[type];
    if (leaf !== undefined) return { kind: "leaf", type: leaf };
    return this.ofType(type) ?? anything;
  }
}

/** `apps/v1 Deployment` is `apps.v1.Deployment`: the first part of the group stands for it. */
export const typeName = (group: string, version: string, kind: string): string =>
  `${group === "" ? "core" : group.split(".")[0]}.${version}.${kind}`;

class LazyStruct implements StructShape {
  readonly kind = "struct";
  readonly others = undefined;
  readonly id: string;
  readonly atomic: boolean;
  readonly #read: () => ReadonlyMap<string, Field>;
  #fields: ReadonlyMap<string, Field> | undefined;

  constructor(id: string, atomic: boolean, read: () => ReadonlyMap<string, Field>) {
    this.id = id;
    this.atomic = atomic;
    this.#read = read;
  }

  get name(): string {
    return this.id.slice(this.id.lastIndexOf(".") + 1);
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= this.#read();
    return this.#fields;
  }
}

/** A value of which nothing was said, as Go has it: structs are there, required lists and maps are null, required scalars are zero. */
export function zeroOf(shape: Shape): Json {
  if (shape.kind !== "struct") return null;
  const result: JsonObject = {};
  for (const [name, { shape: field, required, always }] of shape.fields) {
    if (always) result[name] = zeroOf(field);
    else if (required) result[name] = zeroScalar(field);
  }
  return result;
}

function zeroScalar(shape: Shape): Json {
  if (shape.kind !== "leaf") return null;
  switch (shape.type) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "number":
      return 0;
    default:
      return null;
  }
}
