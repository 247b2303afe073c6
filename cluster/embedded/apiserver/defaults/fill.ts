import { isObject, type JsonObject } from "../../machinery/json.ts";

/** Sets what is not said. Changes the target. */
export function fill(target: JsonObject, values: JsonObject): void {
  for (const [name, value] of Object.entries(values))
    if (target[name] === undefined || target[name] === null) target[name] = value;
}

/** The object at a name, made if there is none. */
export function ensure(parent: JsonObject, name: string): JsonObject {
  const present = parent[name];
  if (isObject(present)) return present;
  const made: JsonObject = {};
  parent[name] = made;
  return made;
}
