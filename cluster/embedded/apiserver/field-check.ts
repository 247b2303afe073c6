import { isObject, type Json, type JsonObject } from "../machinery/json.ts";
import { fieldTypes } from "./field-types.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { badRequest } from "./status.ts";

type Fields = ReadonlyMap<string, string>;

/** Checks objects of built-in kinds against the fields that these kinds have. */
export class FieldCheck {
  /** Lines are taken apart when their type is first met: most never are. */
  readonly #lines: ReadonlyMap<string, string>;
  readonly #types = new Map<string, Fields>();

  constructor() {
    const lines = fieldTypes.trim().split("\n");
    this.#lines = new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line]));
  }

  /**
   * Removes fields that the kind does not have, in place, and returns their paths. A value of a wrong type is a BadRequest in the
   * words of Kubernetes' decoder.
   */
  prune(kind: Kind, object: JsonObject): readonly string[] {
    const type = `${apiVersionOf(kind)}/${kind.kind}`;
    if (!this.#lines.has(type)) return [];
    const unknown: string[] = [];
    try {
      this.#visit(object, { type, path: "", owner: kind.kind }, unknown);
    } catch (error) {
      if (!(error instanceof WrongType)) throw error;
      throw badRequest(
        `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: json: ${error.message}`,
      );
    }
    return unknown;
  }

  #visit(
    value: Json | undefined,
    at: { readonly type: string; readonly path: string; readonly owner: string },
    unknown: string[],
  ): void {
    const { type, path, owner } = at;
    if (value === null || value === undefined || type === "*") return;
    const wrong = (): WrongType => new WrongType(value, `${owner}${path === "" ? "" : `.${path}`}`, type);
    if (type.startsWith("[")) {
      if (!Array.isArray(value)) throw wrong();
      for (const [index, item] of value.entries()) {
        this.#visit(item, { ...at, type: type.slice(1), path: `${path}[${index}]` }, unknown);
      }
    } else if (type.startsWith("{")) {
      if (!isObject(value)) throw wrong();
      for (const [name, member] of Object.entries(value))
        this.#visit(member, { ...at, type: type.slice(1), path: `${path}.${name}` }, unknown);
    } else if (type.length === 1) {
      if (!fitsScalar(type, value)) throw wrong();
    } else {
      if (!isObject(value)) throw wrong();
      this.#visitObject(value, at, unknown);
    }
  }

  #visitObject(
    value: JsonObject,
    { type, path }: { readonly type: string; readonly path: string },
    unknown: string[],
  ): void {
    const fields = this.#fields(type);
    const owner = type.slice(type.lastIndexOf("/") + 1);
    for (const [name, member] of Object.entries(value)) {
      const inner = path === "" ? name : `${path}.${name}`;
      const field = fields.get(name);
      if (field !== undefined) this.#visit(member, { type: field, path: inner, owner }, unknown);
      else {
        unknown.push(inner);
        delete value[name];
      }
    }
  }

  #fields(type: string): Fields {
    let fields = this.#types.get(type);
    if (fields === undefined) {
      const pairs = (this.#lines.get(type) ?? "").split(" ").slice(1);
      fields = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
      this.#types.set(type, fields);
    }
    return fields;
  }
}

function fitsScalar(type: string, value: Json): boolean {
  switch (type) {
    case "s":
      return typeof value === "string";
    case "n":
      return typeof value === "number";
    case "b":
      return typeof value === "boolean";
    default:
      return typeof value === "string" || typeof value === "number";
  }
}

const goTypes: Readonly<Record<string, string>> = { s: "string", n: "int32", b: "bool", q: "intstr.IntOrString" };

/** As Go's decoder says it: the path without indices, the type in Go's words. */
class WrongType extends Error {
  constructor(value: Json, field: string, type: string) {
    const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    super(`cannot unmarshal ${found} into Go struct field ${field.replace(/\[\d+\]/g, "")} of type ${goType(type)}`);
  }
}

function goType(type: string): string {
  if (type.startsWith("[")) return `[]${goType(type.slice(1))}`;
  if (type.startsWith("{")) return `map[string]${goType(type.slice(1))}`;
  return goTypes[type] ?? type.split("/").slice(-2).join(".");
}
