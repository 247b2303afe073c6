import { isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { zeroOf } from "./built-in-shapes.ts";
import { canonicalQuantity } from "./quantity.ts";
import type { Shape, StructShape } from "./shape.ts";

/**
 * Gives an object of a built-in kind the form that Go's encoding gives it: structs that a kind always has are there, as `status: {}`;
 * null and optional lists and maps without anything are not. Changes the object.
 */
export function tidy(object: JsonObject, shape: StructShape): void {
  for (const [name, value] of Object.entries(object)) {
    const field = shape.fields.get(name);
    if (field === undefined) continue;
    if (value === null || (!field.required && isVoid(value, field.shape))) delete object[name];
    else object[name] = tidied(value, field.shape);
  }
  for (const [name, { shape: field, always }] of shape.fields)
    if (always && object[name] === undefined) object[name] = onlyStructs(zeroOf(field));
}

const isVoid = (value: Json | undefined, shape: Shape): boolean =>
  shape.kind === "list"
    ? Array.isArray(value) && value.length === 0
    : shape.kind === "map" && isObject(value) && Object.keys(value).length === 0;

function tidied(value: Json | undefined, shape: Shape): Json | undefined {
  if (shape.kind === "struct" && isObject(value)) tidy(value, shape);
  else if (shape.kind === "list" && Array.isArray(value)) return value.map((item) => tidied(item, shape.item) ?? null);
  else if (shape.kind === "map" && isObject(value))
    for (const [name, member] of Object.entries(value)) value[name] = tidied(member, shape.value);
  else if (
    shape.kind === "leaf" &&
    shape.type === "quantity" &&
    (typeof value === "string" || typeof value === "number")
  )
    return canonicalQuantity(String(value)) ?? value;
  return value;
}

/** Required scalars and lists are for people to say: their absence has to show. */
function onlyStructs(zero: unknown): JsonObject {
  if (!isObject(zero)) return {};
  return Object.fromEntries(
    Object.entries(zero).flatMap(([name, value]) => (isObject(value) ? [[name, onlyStructs(value)]] : [])),
  );
}
