import { isObject, type JsonObject } from "../../machinery/json.ts";
import { zeroOf } from "./built-in-shapes.ts";
import type { Shape, StructShape } from "./shape.ts";

/** Puts in the structs that a built-in kind always has, as `status: {}`. Changes the object. */
export function completeStructs(object: JsonObject, shape: StructShape): void {
  for (const [name, { shape: field, always }] of shape.fields) {
    const value = object[name];
    if (value === undefined || value === null) {
      if (always) object[name] = onlyStructs(zeroOf(field));
    } else complete(value, field);
  }
}

function complete(value: unknown, shape: Shape): void {
  if (shape.kind === "struct" && isObject(value)) completeStructs(value, shape);
  else if (shape.kind === "list" && Array.isArray(value)) for (const item of value) complete(item, shape.item);
  else if (shape.kind === "map" && isObject(value))
    for (const member of Object.values(value)) complete(member, shape.value);
}

/** Required scalars and lists are for people to say: their absence has to show. */
function onlyStructs(zero: unknown): JsonObject {
  if (!isObject(zero)) return {};
  return Object.fromEntries(
    Object.entries(zero).flatMap(([name, value]) => (isObject(value) ? [[name, onlyStructs(value)]] : [])),
  );
}
