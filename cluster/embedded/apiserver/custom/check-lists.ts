import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { duplicate, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";

/** Items that stand twice in lists which are sets, or maps by keys. */
export function* listProblems(schema: JsonObject, value: Json, path: string): Generator<FieldProblem> {
  if (Array.isArray(value)) {
    const kind = schema["x-kubernetes-list-type"];
    if (kind === "set") yield* repeated(value, value, path);
    if (kind === "map") yield* mapProblems(schema, value, path);
    for (const [index, item] of value.entries()) yield* listProblems(asObject(schema.items), item, `${path}[${index}]`);
    return;
  }
  if (!isObject(value)) return;
  const properties = asObject(schema.properties);
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (isObject(properties[name]))
      yield* listProblems(properties[name], member, path === "" ? name : `${path}.${name}`);
    else if (isObject(schema.additionalProperties))
      yield* listProblems(schema.additionalProperties, member, `${path}[${name}]`);
  }
}

function* mapProblems(schema: JsonObject, items: readonly Json[], path: string): Generator<FieldProblem> {
  const index = items.findIndex((item) => item !== null && !isObject(item));
  if (index !== -1) {
    yield wrong(`${path}[${index}]`, items[index], "must be an object for an array of list-type map");
    return;
  }
  const names = asArray(schema["x-kubernetes-list-map-keys"]).map(String);
  const keys = items.map((item) =>
    Object.fromEntries(
      names.flatMap((name) => (asObject(item)[name] === undefined ? [] : [[name, asObject(item)[name]]])),
    ),
  );
  yield* repeated(keys as Json[], keys as Json[], path);
}

/** The second of each that stands more than once. */
function* repeated(values: readonly Json[], shown: readonly Json[], path: string): Generator<FieldProblem> {
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const text = JSON.stringify(value);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times === 1) yield duplicate(`${path}[${index}]`, shown[index]);
  }
}
