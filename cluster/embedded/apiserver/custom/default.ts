import { asObject, cloneJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";

/** Fills in a schema's defaults, in place; a null that may not be one counts as not said. */
export function applySchemaDefaults(schema: JsonObject, value: Json): void {
  if (Array.isArray(value)) {
    for (const item of value) applySchemaDefaults(asObject(schema.items), item);
    return;
  }
  if (!isObject(value)) return;
  const properties = asObject(schema.properties);
  for (const [name, of] of Object.entries(properties)) {
    if (!isObject(of) || of.default === undefined || of.default === null) continue;
    const member = value[name];
    if (member === undefined || (member === null && of.nullable !== true)) value[name] = cloneJson(of.default);
  }
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || member === null) continue;
    const of = properties[name] ?? schema.additionalProperties;
    if (isObject(of)) applySchemaDefaults(of, member);
  }
}
