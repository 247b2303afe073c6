import { asArray, asObject, equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { patternProblem } from "../cel/library/pattern.ts";
import { forbidden, required, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";

/** What a schema is of: the whole object, an item of a list, or a field. */
type Level = "root" | "item" | "field";

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/**
 * Why a schema is not structural: every field must be known outside of the alternatives (allOf, anyOf, oneOf, not), which may only
 * restrict values. Source: Kubernetes' documentation of custom resource definitions, "Specifying a structural schema".
 */
export function structuralProblems(schema: JsonObject, path: string): readonly FieldProblem[] {
  const problems = [...invariants(schema, "root", path), ...completeness(schema, schema, { at: path, from: path })];
  const text = ({ field, message }: FieldProblem): string => `${field}: ${message}`;
  return problems.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

function* invariants(schema: JsonObject, level: Level, path: string): Generator<FieldProblem> {
  const { items, properties, additionalProperties } = schema;
  if (schema.type === "array" && items === undefined) yield required(`${path}.items`, "must be specified");
  if (isObject(items)) yield* invariants(items, "item", `${path}.items`);
  for (const [name, property] of Object.entries(asObject(properties)))
    yield* invariants(asObject(property), "field", `${path}.properties[${name}]`);
  if (additionalProperties !== undefined && level === "root")
    yield forbidden(`${path}.additionalProperties`, "must not be used at the root");
  if (isObject(additionalProperties)) yield* invariants(additionalProperties, "field", `${path}.additionalProperties`);
  yield* values(schema, path, isIntOrString(schema));
  yield* extensions(schema, path);
  yield* types(schema, level, path);
  yield* metadata(schema, level, path);
}

/** An integer or a string may say so by alternatives, which otherwise may not speak of types. */
const isIntOrString = (schema: JsonObject): { readonly anyOf: boolean; readonly allOf: boolean } => ({
  anyOf: equalJson(schema.anyOf, INT_OR_STRING),
  allOf: equalJson(asObject(asArray(schema.allOf)[0]).anyOf, INT_OR_STRING),
});

function* extensions(schema: JsonObject, path: string): Generator<FieldProblem> {
  if (schema["x-kubernetes-int-or-string"] !== true) return;
  for (const name of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"])
    if (schema[name] === true)
      yield wrong(`${path}.${name}`, true, "must be false if x-kubernetes-int-or-string is true");
}

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function* types(schema: JsonObject, level: Level, path: string): Generator<FieldProblem> {
  const { type, properties, additionalProperties } = schema;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (isEmbedded && type !== "object") {
    const why = "must be object if x-kubernetes-embedded-resource is true";
    yield type === undefined ? required(`${path}.type`, why) : wrong(`${path}.type`, type, why);
  } else if (!type && schema["x-kubernetes-int-or-string"] !== true && !keepsUnknown)
    yield required(`${path}.type`, emptyType[level]);
  if (isEmbedded && additionalProperties !== undefined)
    yield forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set");
  if (level === "root" && type && type !== "object") yield wrong(`${path}.type`, type, "must be object at the root");
  if (isEmbedded && !keepsUnknown && Object.keys(asObject(properties)).length === 0)
    yield required(
      `${path}.properties`,
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
    );
}

/** Of metadata only the names may be restricted: the API itself defines the rest. */
function* metadata(schema: JsonObject, level: Level, path: string): Generator<FieldProblem> {
  const properties = asObject(schema.properties);
  const isResource = level === "root" || schema["x-kubernetes-embedded-resource"] === true;
  if (isResource)
    for (const name of ["kind", "apiVersion"])
      if (properties[name] !== undefined && asObject(properties[name]).type !== "string")
        yield wrong(`${path}.properties[${name}].type`, asObject(properties[name]).type ?? "", "must be string");
  if (properties.metadata === undefined) return;
  const of = asObject(properties.metadata);
  const at = `${path}.properties[metadata]`;
  if (isResource && of.type !== "object") yield wrong(`${at}.type`, of.type ?? "", "must be object");
  if (level !== "root") return;
  const { type: _t, default: _d, properties: names, ...rest } = of;
  const onlyNames = Object.keys(asObject(names)).every((name) => name === "name" || name === "generateName");
  if (!onlyNames || Object.keys(rest).length > 0)
    yield forbidden(
      at,
      "must not specify anything other than name and generateName, but metadata is implicitly specified",
    );
}

interface Skipped {
  readonly anyOf: boolean;
  readonly allOf: boolean;
}

const nothing: Skipped = { anyOf: false, allOf: false };

function* values(schema: JsonObject, path: string, skipped: Skipped): Generator<FieldProblem> {
  for (const name of ["anyOf", "allOf", "oneOf"] as const) {
    if (name === "anyOf" && skipped.anyOf) continue;
    for (const [index, nested] of asArray(schema[name]).entries()) {
      const skips = name === "allOf" && index === 0 && skipped.allOf ? { anyOf: true, allOf: false } : nothing;
      yield* alternative(asObject(nested), `${path}.${name}[${index}]`, skips);
    }
  }
  if (isObject(schema.not)) yield* alternative(schema.not, `${path}.not`, nothing);
  if (typeof schema.pattern === "string" && schema.pattern !== "") {
    const why = patternProblem(schema.pattern);
    if (why !== undefined)
      yield wrong(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${why}`);
  }
}

const forbiddenInAlternatives: readonly (readonly [string, string])[] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

const says = (value: Json | undefined): boolean =>
  value !== undefined && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0);

function* alternative(schema: JsonObject, path: string, skipped: Skipped): Generator<FieldProblem> {
  yield* values(schema, path, skipped);
  if (isObject(schema.items)) yield* alternative(schema.items, `${path}.items`, nothing);
  for (const [name, property] of Object.entries(asObject(schema.properties)))
    yield* alternative(asObject(property), `${path}.properties[${name}]`, nothing);
  for (const [name, why] of forbiddenInAlternatives) if (says(schema[name])) yield forbidden(`${path}.${name}`, why);
  if (asObject(schema.properties).metadata !== undefined)
    yield forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context");
}

/** Where a value is restricted (`from`), and where it should be known (`at`). */
interface Paths {
  readonly at: string;
  readonly from: string;
}

/** Whatever an alternative restricts must be a field that is known without it. */
function* completeness(nested: JsonObject, schema: JsonObject | undefined, paths: Paths): Generator<FieldProblem> {
  const { at, from } = paths;
  for (const name of ["allOf", "anyOf", "oneOf"] as const)
    for (const [index, one] of asArray(nested[name]).entries())
      yield* nestedCompleteness(asObject(one), schema, { at, from: `${from}.${name}[${index}]` });
  if (isObject(nested.not)) yield* nestedCompleteness(nested.not, schema, { at, from: `${from}.not` });
}

function* nestedCompleteness(
  nested: JsonObject,
  schema: JsonObject | undefined,
  { at, from }: Paths,
): Generator<FieldProblem> {
  if (schema === undefined) {
    yield required(at, `because it is defined in ${from}`);
    return;
  }
  yield* completeness(nested, schema, { at, from });
  if (isObject(nested.items)) {
    const items = isObject(schema.items) ? schema.items : undefined;
    yield* nestedCompleteness(nested.items, items, { at: `${at}.items`, from: `${from}.items` });
  }
  const known = asObject(schema.properties);
  for (const [name, property] of Object.entries(asObject(nested.properties))) {
    const [here, there] = [`${at}.properties[${name}]`, `${from}.properties[${name}]`];
    yield* nestedCompleteness(asObject(property), isObject(known[name]) ? known[name] : undefined, {
      at: here,
      from: there,
    });
  }
}
