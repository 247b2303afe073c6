import { isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import type { Kind } from "../kinds.ts";
import { badRequest } from "../status.ts";
import { canonicalQuantity } from "./quantity.ts";
import type { LeafType, Shape, StructShape } from "./shape.ts";

/**
 * Removes fields that a built-in kind does not have, in place, and returns their paths. A value of a wrong type is a BadRequest in
 * the words of Kubernetes' decoder.
 */
export function pruneUnknown(kind: Kind, shape: StructShape, object: JsonObject): readonly string[] {
  const unknown: string[] = [];
  try {
    visit(object, { shape, path: "", told: "", owner: kind.kind }, unknown);
  } catch (error) {
    if (!(error instanceof DecodingError)) throw error;
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`);
  }
  return unknown;
}

interface Place {
  readonly shape: Shape;
  /** As decoding names it: without the keys of maps. */
  readonly path: string;
  /** As warnings name it. */
  readonly told: string;
  /** The struct whose field this is. */
  readonly owner: string;
}

function visit(value: Json | undefined, at: Place, unknown: string[]): void {
  const { shape, path, owner } = at;
  if (value === null || value === undefined) return;
  const wrong = (): WrongType => new WrongType(value, `${owner}${path === "" ? "" : `.${path}`}`, shape);
  switch (shape.kind) {
    case "any":
      return;
    case "leaf":
      if (!fitsLeaf(shape.type, value)) throw wrong();
      if (shape.type === "quantity" && canonicalQuantity(String(value)) === undefined)
        throw new DecodingError(
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
      if (shape.type === "bytes" && typeof value === "string") checkBase64(value);
      return;
    case "list":
      if (!Array.isArray(value)) throw wrong();
      for (const [index, item] of value.entries())
        visit(item, { ...at, shape: shape.item, path: `${path}[${index}]`, told: `${at.told}[${index}]` }, unknown);
      return;
    case "map":
      if (!isObject(value)) throw wrong();
      // Go names the map, not the key.
      for (const [key, member] of Object.entries(value))
        visit(member, { ...at, shape: shape.value, told: `${at.told}.${key}` }, unknown);
      return;
    case "struct":
      if (!isObject(value)) throw wrong();
      visitStruct(value, { shape, path, told: at.told }, unknown);
  }
}

function visitStruct(
  value: JsonObject,
  { shape, path, told }: { readonly shape: StructShape; readonly path: string; readonly told: string },
  unknown: string[],
): void {
  for (const [name, member] of Object.entries(value)) {
    const [inner, shown] = [path, told].map((before) => (before === "" ? name : `${before}.${name}`)) as [
      string,
      string,
    ];
    const field = shape.fields.get(name);
    if (field !== undefined)
      visit(member, { shape: field.shape, path: inner, told: shown, owner: shape.name }, unknown);
    else {
      unknown.push(shown);
      delete value[name];
    }
  }
}

function fitsLeaf(type: LeafType, value: Json): boolean {
  switch (type) {
    case "string":
    case "time":
    case "bytes":
      return typeof value === "string";
    case "int32":
    case "int64":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "quantity":
    case "int-or-string":
      return typeof value === "string" || typeof value === "number";
  }
}

const goTypes: Readonly<Record<LeafType, string>> = {
  string: "string",
  time: "string",
  bytes: "[]uint8",
  int32: "int32",
  int64: "int64",
  number: "float64",
  boolean: "bool",
  quantity: "resource.Quantity",
  "int-or-string": "intstr.IntOrString",
};

class DecodingError extends Error {}

function checkBase64(text: string): void {
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (wrong !== -1) throw new DecodingError(`illegal base64 data at input byte ${wrong}`);
}

/** As Go's decoder says it: the path without indices, the type in Go's words. */
class WrongType extends DecodingError {
  constructor(value: Json, field: string, shape: Shape) {
    const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : goNumber(value);
    super(
      `json: cannot unmarshal ${found} into Go struct field ${field.replace(/\[\d+\]/g, "")} of type ${goType(shape)}`,
    );
  }
}

/** A number with a fraction is told itself. */
const goNumber = (value: Json): string =>
  typeof value === "number" && !Number.isInteger(value) ? `number ${value}` : typeof value;

function goType(shape: Shape): string {
  switch (shape.kind) {
    case "leaf":
      return goTypes[shape.type];
    case "list":
      return `[]${goType(shape.item)}`;
    case "map":
      return `map[string]${goType(shape.value)}`;
    case "struct":
      return `v1.${shape.name}`;
    case "any":
      return "interface {}";
  }
}
