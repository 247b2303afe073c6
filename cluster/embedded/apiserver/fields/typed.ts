import { asObject, asString, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";
import { pathText } from "./path-text.ts";
import { itemPath, type Shape, type StructShape } from "./shape.ts";

/** Fails when a configuration has fields that its kind does not have, or two items with the same keys. */
export function checkTyped(configuration: JsonObject, shape: StructShape): void {
  const problem = problemOf(configuration, shape, "");
  if (problem === undefined) return;
  const { name, namespace } = asObject(configuration.metadata);
  const apiVersion = asString(configuration.apiVersion);
  const gv = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
  throw new StatusError(
    500,
    "",
    `failed to create typed patch object (${asString(namespace)}/${asString(name)}; ${gv}, Kind=${asString(configuration.kind)}): ${problem}`,
  );
}

function problemOf(value: Json | undefined, shape: Shape, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (shape.kind === "list" && Array.isArray(value)) {
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      if (shape.merges === "whole") {
        const problem = problemOf(item, shape.item, `${path}[${index}]`);
        if (problem !== undefined) return problem;
        continue;
      }
      const key = itemPath(item, shape);
      const text = pathText([key]);
      if (seen.has(key)) return `${path}: duplicate entries for key ${text}`;
      seen.add(key);
      const problem = problemOf(item, shape.item, path + text);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const inner = shape.kind === "struct" ? (shape.fields.get(name)?.shape ?? shape.others) : undefined;
    if (shape.kind === "struct" && inner === undefined) return `${path}.${name}: field not declared in schema`;
    const below = shape.kind === "map" ? shape.value : inner;
    const problem = below === undefined ? undefined : problemOf(member, below, `${path}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
