import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { anything, type Field, type LeafType, type Shape, type StructShape } from "./shape.ts";

/** The shape of a custom kind, from the structural schema of its definition; `meta` is the shape of metadata. */
export function customShape(schema: JsonObject, meta: Shape): StructShape {
  const shape = shapeOf(schema);
  const fields = new Map(shape.kind === "struct" ? shape.fields : []);
  for (const name of ["apiVersion", "kind"]) fields.set(name, fieldOf({ kind: "leaf", type: "string" }));
  fields.set("metadata", fieldOf(meta));
  return {
    kind: "struct",
    name: "",
    atomic: false,
    fields,
    others: schema["x-kubernetes-preserve-unknown-fields"] === true ? anything : undefined,
  };
}

const fieldOf = (shape: Shape, required = false, otherwise?: Json): Field => ({
  shape,
  required,
  always: false,
  otherwise,
});

const leaves: Readonly<Record<string, LeafType>> = {
  string: "string",
  integer: "int64",
  number: "number",
  boolean: "boolean",
};

function shapeOf(schema: JsonObject): Shape {
  if (schema["x-kubernetes-int-or-string"] === true) return { kind: "leaf", type: "int-or-string" };
  if (schema["x-kubernetes-embedded-resource"] === true) return anything;
  const { type, properties, additionalProperties, items } = schema;
  if (type === "array") return listShape(schema, asObject(items));
  if (type === "object" || properties !== undefined) {
    const atomic = schema["x-kubernetes-map-type"] === "atomic";
    if (isObject(additionalProperties)) return { kind: "map", atomic, value: shapeOf(additionalProperties) };
    const open = schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true;
    const required = new Set(asArray(schema.required));
    const fields = Object.entries(asObject(properties)).map(
      ([name, property]) =>
        [name, fieldOf(shapeOf(asObject(property)), required.has(name), asObject(property).default)] as const,
    );
    return { kind: "struct", name: "", atomic, fields: new Map(fields), others: open ? anything : undefined };
  }
  const leaf = typeof type === "string" ? leaves[type] : undefined;
  return leaf === undefined ? anything : { kind: "leaf", type: leaf };
}

/** Lists of custom kinds are replaced whole unless the schema says otherwise. */
function listShape(schema: JsonObject, items: JsonObject): Shape {
  const kind = schema["x-kubernetes-list-type"];
  const keys = asArray(schema["x-kubernetes-list-map-keys"]).map(String);
  return {
    kind: "list",
    item: shapeOf(items),
    merges: kind === "map" && keys.length > 0 ? keys : kind === "set" ? "set" : "whole",
    patchKey: undefined,
  };
}
