import { asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { objectMetaProblems } from "../object-meta.ts";
import { required } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";

/** What is wrong with embedded resources in a value: they need a kind and a version, and metadata as objects have it. */
export function embeddedProblems(schema: JsonObject, value: Json, path: string): readonly FieldProblem[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => embeddedProblems(asObject(schema.items), item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  const problems = schema["x-kubernetes-embedded-resource"] === true ? resourceProblems(value, path) : [];
  const properties = asObject(schema.properties);
  for (const [name, member] of Object.entries(value)) {
    const of = properties[name] ?? schema.additionalProperties;
    if (member !== undefined && isObject(of))
      problems.push(...embeddedProblems(of, member, path === "" ? name : `${path}.${name}`));
  }
  return problems;
}

function resourceProblems(value: JsonObject, path: string): FieldProblem[] {
  const missing = ["apiVersion", "kind"].filter((name) => !value[name]).map((name) => required(`${path}.${name}`));
  return isObject(value.metadata)
    ? [...missing, ...objectMetaProblems(value.metadata, `${path}.metadata`)]
    : [...missing];
}
