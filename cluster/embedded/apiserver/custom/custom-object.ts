import type { ApiObject } from "../../machinery/api-object.ts";
import { asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import type { CustomKind } from "../custom-kinds.ts";
import type { FieldProblem } from "../status.ts";
import { badRequest } from "../status.ts";
import { listProblems } from "./check-lists.ts";
import { typeOf, valueProblems } from "./check-value.ts";
import { correlate } from "./correlation.ts";
import { applySchemaDefaults } from "./default.ts";
import { embeddedProblems } from "./embedded.ts";
import { EmbeddedProblem, prune, pruneNulls, tidyEmbedded } from "./prune.ts";
import { brokenRules, compileRules, type Ruled, type Verdict } from "./rules.ts";

/** Removes what the definition does not know and fills in its defaults, in place. Returns the paths of what went. */
export function completeCustom(kind: CustomKind, object: ApiObject): readonly string[] {
  const { schema } = kind;
  const unknown = prune(schema, object as JsonObject);
  let embedded: readonly string[];
  try {
    embedded = tidyEmbedded(schema, object as JsonObject);
  } catch (error) {
    if (!(error instanceof EmbeddedProblem)) throw error;
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`);
  }
  pruneNulls(schema, object as JsonObject);
  applySchemaDefaults(schema, object as JsonObject);
  return [...unknown, ...embedded];
}

const BLOCKING = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const notChecked: FieldProblem = {
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

/** Judges objects of custom kinds by their definitions. */
export class CustomChecks {
  readonly #rules = new WeakMap<JsonObject, { readonly ruled: Ruled | undefined }>();

  /** What is wrong with an object; `isStatus` when only its status was written. */
  verdict(
    kind: CustomKind,
    object: ApiObject,
    { old, isStatus }: { readonly old: ApiObject | undefined; readonly isStatus: boolean },
  ): Verdict {
    const { schema } = kind;
    const value = object as JsonObject;
    const before = old === undefined ? undefined : correlate(old as JsonObject);
    const lists = old === undefined || [...listProblems(schema, old as JsonObject, "")].length === 0;
    const problems = [
      ...(isStatus ? statusProblems(schema, object, old) : valueProblems(rootOf(schema), value, "", before)),
      ...scaleProblems(kind, value),
      ...embeddedProblems(schema, value, ""),
      ...(lists ? listProblems(schema, value, "") : []),
    ];
    const ruled = this.#ruled(schema);
    if (ruled === undefined) return { problems, warnings: [] };
    if (problems.some(({ reason = "" }) => BLOCKING.has(reason)))
      return { problems: [...problems, notChecked], warnings: [] };
    const verdict = brokenRules(ruled, { path: "", value, old: before });
    return { problems: [...problems, ...verdict.problems], warnings: verdict.warnings };
  }

  #ruled(schema: JsonObject): Ruled | undefined {
    const known = this.#rules.get(schema);
    if (known !== undefined) return known.ruled;
    const ruled = compileRules(schema, true);
    this.#rules.set(schema, { ruled });
    return ruled;
  }
}

/** Metadata is the API's own; what may be said of it are names. */
function rootOf(schema: JsonObject): JsonObject {
  const { metadata, ...properties } = asObject(schema.properties);
  const names = asObject(asObject(metadata).properties);
  const more = Object.keys(names).length > 0 ? { metadata: { type: "object", properties: names } } : {};
  return { ...schema, properties: { ...properties, ...more } };
}

/** A status is judged by itself, so that messages name its fields without it. */
function statusProblems(schema: JsonObject, object: ApiObject, old: ApiObject | undefined): readonly FieldProblem[] {
  const of = asObject(schema.properties).status;
  if (!isObject(of) || object.status === undefined) return [];
  const before = old?.status === undefined ? undefined : correlate(old.status);
  return valueProblems(of, object.status, "", before).map((problem) => ({
    ...problem,
    field: problem.field === "<nil>" ? problem.field : problem.field === "" ? "status" : `status.${problem.field}`,
  }));
}

/** Where a scale is, there has to be a number. */
function* scaleProblems({ scale }: CustomKind, object: JsonObject): Generator<FieldProblem> {
  if (scale === undefined) return;
  for (const path of [scale.specReplicasPath, scale.statusReplicasPath]) {
    const why = accessProblem(object, path);
    if (why !== undefined) yield { field: path, message: `Invalid value: 0: ${path} accessor error: ${why}` };
  }
}

const goNames: Readonly<Record<string, string>> = {
  integer: "int64",
  number: "float64",
  boolean: "bool",
  array: "[]interface {}",
  object: "map[string]interface {}",
};

function accessProblem(object: JsonObject, path: string): string | undefined {
  let current: Json | undefined = object;
  for (const name of path.split(".").slice(1)) {
    if (current === undefined || current === null) return undefined;
    if (!isObject(current)) return `${shown(current)}, expected map[string]interface{}`;
    current = current[name];
  }
  if (current === undefined || current === null || Number.isInteger(current)) return undefined;
  return `${shown(current)}, expected int64`;
}

const shown = (value: Json): string => `${String(value)} is of the type ${goNames[typeOf(value)] ?? typeOf(value)}`;
