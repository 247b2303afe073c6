import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { forbidden, required, unsupported, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";
import { schemaAtPath } from "./field-path.ts";

/** What a schema inherits from where it stands. */
interface Place {
  readonly path: string;
  /** Why there may be no defaults; undefined when there may. */
  readonly noDefaults?: string;
  readonly inMetadata: boolean;
  readonly isRoot: boolean;
}

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
const metaFields = new Set(["metadata", "kind", "apiVersion"]);
export const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/** What Kubernetes refuses in a schema beside what makes it not structural: keywords that it does not know, list and map types, rules. */
export const schemaProblems = (schema: JsonObject, path: string): readonly FieldProblem[] => [
  ...visit(schema, { path, inMetadata: false, isRoot: true }),
];

function* visit(schema: JsonObject, place: Place): Generator<FieldProblem> {
  const { path } = place;
  yield* keywords(schema, place);
  if (schema.uniqueItems === true)
    yield forbidden(
      `${path}.uniqueItems`,
      "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
    );
  yield* members(schema, place);
  for (const name of ["allOf", "oneOf", "anyOf"] as const)
    for (const [index, nested] of asArray(schema[name]).entries())
      yield* visit(asObject(nested), { ...place, path: `${path}.${name}[${index}]`, isRoot: false });
  if (isObject(schema.not)) yield* visit(schema.not, { ...place, path: `${path}.not`, isRoot: false });
  if (isObject(schema.items)) yield* visit(schema.items, { ...place, path: `${path}.items`, isRoot: false });
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    yield wrong(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined");
  yield* mapType(schema, path);
  yield* listType(schema, path);
  yield* ruleTexts(schema, path);
}

function* keywords(schema: JsonObject, { path, noDefaults, inMetadata }: Place): Generator<FieldProblem> {
  const { type } = schema;
  if (typeof type === "string" && type !== "" && !TYPES.includes(type)) yield unsupported(`${path}.type`, type, TYPES);
  if (says(schema.default) && noDefaults !== undefined)
    yield forbidden(`${path}.default`, `must not be set${noDefaults}`);
  for (const name of ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"])
    if (says(schema[name])) yield forbidden(`${path}.${name}`, `${name} is not supported`);
  if (type === "null") yield forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative");
  if (Array.isArray(schema.items)) yield forbidden(`${path}.items`, "items must be a schema object and not an array");
  if (inMetadata && schema["x-kubernetes-embedded-resource"] === true)
    yield forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta");
}

const says = (value: Json | undefined): boolean => value !== undefined && value !== null && value !== "";

function* members(schema: JsonObject, place: Place): Generator<FieldProblem> {
  const { path, inMetadata, isRoot } = place;
  const { additionalProperties } = schema;
  const properties = asObject(schema.properties);
  if (additionalProperties !== undefined && additionalProperties !== true && Object.keys(properties).length > 0)
    yield forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
  if (isObject(additionalProperties)) {
    const within = inMetadata ? { noDefaults: " inside additionalProperties applying to object metadata" } : {};
    yield* visit(additionalProperties, { ...place, ...within, path: `${path}.additionalProperties`, isRoot: false });
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = metaFields.has(name) && (isRoot || schema["x-kubernetes-embedded-resource"] === true);
    yield* visit(asObject(property), {
      ...place,
      ...(isMeta && isRoot ? { noDefaults: ` in top-level ${name}` } : {}),
      path: `${path}.properties[${name}]`,
      inMetadata: inMetadata || isMeta,
      isRoot: false,
    });
  }
}

function* mapType(schema: JsonObject, path: string): Generator<FieldProblem> {
  const kind = schema["x-kubernetes-map-type"];
  if (kind === undefined) return;
  if (schema.type !== "object") yield wrongType(schema, path, "must be object if x-kubernetes-map-type is specified");
  if (kind !== "atomic" && kind !== "granular")
    yield unsupported(`${path}.x-kubernetes-map-type`, kind, ["atomic", "granular"]);
}

const wrongType = ({ type }: JsonObject, path: string, why: string): FieldProblem =>
  says(type) ? wrong(`${path}.type`, type, why) : required(`${path}.type`, why);

function* listType(schema: JsonObject, path: string): Generator<FieldProblem> {
  const kind = schema["x-kubernetes-list-type"];
  const keys = asArray(schema["x-kubernetes-list-map-keys"]);
  if (kind !== undefined && schema.type !== "array")
    yield wrongType(schema, path, "must be array if x-kubernetes-list-type is specified");
  else if (kind === "set" && isObject(schema.items)) yield* setItems(schema.items, path);
  if (kind !== undefined && kind !== "atomic" && kind !== "set" && kind !== "map")
    yield unsupported(`${path}.x-kubernetes-list-type`, kind, ["atomic", "set", "map"]);
  if (keys.length > 0 && kind !== "map") {
    const why = "must be map if x-kubernetes-list-map-keys is non-empty";
    const at = `${path}.x-kubernetes-list-type`;
    yield kind === undefined ? required(at, why) : wrong(at, kind, why);
  }
  if (kind === "map") yield* mapKeys(schema, keys, path);
  if ((kind === "map" || kind === "set") && isObject(schema.items)) yield* nullable(schema.items, keys, { path, kind });
}

function* setItems(items: JsonObject, path: string): Generator<FieldProblem> {
  const why = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const [list, map] = [items["x-kubernetes-list-type"], items["x-kubernetes-map-type"]];
  if (items.type === "array" && list !== undefined && list !== "atomic")
    yield wrong(`${path}.items.x-kubernetes-list-type`, list, why);
  if (items.type === "object" && map !== "atomic") yield wrong(`${path}.items.x-kubernetes-map-type`, list, why);
}

function* mapKeys(schema: JsonObject, keys: readonly Json[], path: string): Generator<FieldProblem> {
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) yield required(at, "must not be empty if x-kubernetes-list-type is map");
  if (schema.items === undefined)
    yield required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map");
  if (!isObject(schema.items)) return;
  const { type, properties } = schema.items;
  if (type !== "object") {
    yield wrong(`${path}.items.type`, type ?? "", "must be object if parent array's x-kubernetes-list-type is map");
    return;
  }
  const seen = new Set<Json>();
  for (const key of keys) {
    const property = asObject(properties)[String(key)];
    if (property === undefined) yield wrong(at, [...keys], "entries must all be names of item properties");
    else if (["array", "object"].includes(String(asObject(property).type)))
      yield wrong(
        `${path}.items.properties[${String(key)}].type`,
        type,
        "must be a scalar type if parent array's x-kubernetes-list-type is map",
      );
    if (seen.has(key)) yield wrong(at, [...keys], "must not contain duplicate entries");
    seen.add(key);
  }
}

function* nullable(
  items: JsonObject,
  keys: readonly Json[],
  { path, kind }: { readonly path: string; readonly kind: "map" | "set" },
): Generator<FieldProblem> {
  if (items.nullable === true)
    yield forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`);
  if (kind !== "map") return;
  for (const key of keys) {
    const property = asObject(items.properties)[String(key)];
    if (!isObject(property)) continue;
    const at = `${path}.items.properties[${String(key)}]`;
    if (!asArray(items.required).includes(key) && property.default === undefined)
      yield required(
        `${at}.default`,
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
      );
    if (property.nullable === true)
      yield forbidden(`${at}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
  }
}

const hasLines = (text: string): boolean => /[\n\r]/.test(text);

/** What can be said of rules without compiling them. */
function* ruleTexts(schema: JsonObject, path: string): Generator<FieldProblem> {
  for (const [index, one] of asArray(schema["x-kubernetes-validations"]).entries()) {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    const { message, messageExpression, reason, fieldPath } = asObject(one);
    const rule = String(asObject(one).rule ?? "").trim();
    const text = String(message ?? "");
    if (rule === "") yield required(`${at}.rule`, "rule is not specified");
    else if (text !== "" && text.trim() === "") yield wrong(`${at}.message`, text, "must be non-empty if specified");
    else if (hasLines(text.trim())) yield wrong(`${at}.message`, text, "must not contain line breaks");
    else if (hasLines(rule) && text.trim() === "")
      yield required(`${at}.message`, "message must be specified if rule contains line breaks");
    if (says(messageExpression) && String(messageExpression).trim() === "")
      yield required(`${at}.messageExpression`, "messageExpression must be non-empty if specified");
    if (reason !== undefined && reason !== null && !REASONS.includes(String(reason)))
      yield unsupported(`${at}.reason`, reason, REASONS);
    if (says(fieldPath)) yield* fieldPathProblems(schema, String(fieldPath), `${at}.fieldPath`);
  }
}

function* fieldPathProblems(schema: JsonObject, fieldPath: string, at: string): Generator<FieldProblem> {
  if (fieldPath.trim() === "") yield wrong(at, fieldPath, "must be non-empty if specified");
  if (hasLines(fieldPath)) yield wrong(at, fieldPath, "must not contain line breaks");
  if ("problem" in schemaAtPath(fieldPath, schema)) yield wrong(at, fieldPath, "must be a valid path");
}
