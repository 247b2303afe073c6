import { asObject, isObject, type JsonObject } from "../../machinery/json.ts";

/** A path of fields as rules and selectable fields write it, and the schema that it leads to; or why it leads nowhere. */
export type SchemaPath =
  | { readonly path: string; readonly parts: readonly string[]; readonly schema: JsonObject }
  | { readonly problem: string };

/** Follows `.spec.name` or `.labels['a']` through a schema. `brackets` false allows dots alone. */
export function schemaAtPath(text: string, schema: JsonObject, brackets = true): SchemaPath {
  let [rest, current, path] = [text, schema, ""];
  const parts: string[] = [];
  while (rest !== "") {
    const step = firstStep(rest, brackets);
    if ("problem" in step) return step;
    const { name } = step;
    const { properties, additionalProperties } = current;
    if (isObject(properties)) {
      const next = properties[name];
      if (!isObject(next)) return { problem: "does not refer to a valid field" };
      current = next;
      path += path === "" ? name : `.${name}`;
    } else if (isObject(additionalProperties)) {
      current = asObject(additionalProperties);
      path += `[${name}]`;
    } else return { problem: "does not refer to a valid field" };
    parts.push(name);
    rest = step.rest;
  }
  return { path, parts, schema: current };
}

function firstStep(
  text: string,
  brackets: boolean,
): { readonly name: string; readonly rest: string } | { readonly problem: string } {
  if (text.startsWith(".")) {
    const name = /^\.([^.[\]]+)/.exec(text)?.[1];
    if (name === undefined) return { problem: "unexpected end of JSON path" };
    return { name, rest: text.slice(name.length + 1) };
  }
  if (!text.startsWith("[")) return { problem: `expected [ or . but got: ${/^[^.[\]]+/.exec(text)?.[0] ?? text[0]}` };
  if (!brackets) return { problem: "array notation is not allowed" };
  const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(text);
  if (quoted === null)
    return { problem: `expected single quoted string but got ${/^\[([^\]]*)/.exec(text)?.[1] ?? ""}` };
  return { name: (quoted[1] ?? "").replace(/\\(.)/g, "$1"), rest: text.slice(quoted[0].length) };
}
