import { asObject, cloneJson, equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";
import { listProblems } from "../custom/check-lists.ts";
import { valueProblems } from "../custom/check-value.ts";
import { correlate } from "../custom/correlation.ts";
import { embeddedProblems } from "../custom/embedded.ts";
import { prune, tidyEmbedded } from "../custom/prune.ts";
import { brokenRules, compileRules } from "../custom/rules.ts";
import { wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";

/** Which defaults of a schema do not fit it: values, fields that it does not know, rules. */
export const defaultProblems = (schema: JsonObject, path: string): readonly FieldProblem[] => [
  ...visit({ ...schema, "x-kubernetes-embedded-resource": true }, path),
];

const metaFields = new Set(["metadata", "apiVersion", "kind"]);

function* visit(schema: JsonObject, path: string, inMeta = false): Generator<FieldProblem> {
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  if (schema.default !== undefined && schema.default !== null) yield* judge(schema, `${path}.default`, inMeta);
  if (isObject(schema.items)) yield* visit(schema.items, `${path}.items`, inMeta && !isResource);
  for (const [name, property] of Object.entries(asObject(schema.properties))) {
    const isMeta = isResource ? metaFields.has(name) : inMeta;
    yield* visit(asObject(property), `${path}.properties[${name}]`, isMeta);
  }
}

function* judge(schema: JsonObject, path: string, inMeta: boolean): Generator<FieldProblem> {
  const value = schema.default ?? null;
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  const pruned = cloneJson({ value });
  const { default: _, ...inner } = schema;
  prune({ type: "object", properties: { value: inner } }, pruned);
  // Metadata has fields that its schema does not say.
  if (!inMeta && !equalJson(pruned.value, value)) yield wrong(path, value, "must not have unknown fields");
  const problems = [...metadataProblems(inner, value, path), ...valueProblems(inner, value, "").map(below(path))];
  if (problems.length > 0) {
    yield* problems;
    return;
  }
  yield* listProblems(inner, value, path);
  const ruled = compileRules(inner, isResource);
  if (ruled === undefined) return;
  const kept = brokenRules(ruled, { path, value, old: undefined }).problems;
  yield* kept.length > 0 ? kept : brokenRules(ruled, { path, value, old: correlate(value) }).problems;
}

function metadataProblems(schema: JsonObject, value: Json, path: string): readonly FieldProblem[] {
  try {
    tidyEmbedded(schema, cloneJson(value), path);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return [{ field: path, message: error.message.slice(error.message.indexOf(": ") + 2) }];
  }
  return embeddedProblems(schema, value, path);
}

/** What is said of a default is said below its path. */
const below =
  (path: string) =>
  (problem: FieldProblem): FieldProblem => ({
    ...problem,
    field: problem.field === "<nil>" ? problem.field : problem.field === "" ? path : `${path}.${problem.field}`,
  });
