import { asArray, asObject, isObject, type Json, type JsonObject } from "../machinery/json.ts";
import type { FieldProblem } from "./status.ts";

/** A structural schema of a custom resource definition, as far as it is enforced here: types, required, enum, ranges, patterns, oneOf, CEL apart. */
export interface SchemaOutcome {
  readonly problems: readonly FieldProblem[];
  /** Paths of fields that the schema does not know; they were removed. */
  readonly unknown: readonly string[];
}

/** Fills in defaults and removes unknown fields, in place, and says what does not fit. Source: Kubernetes' structural schemas. */
export function enforceSchema(schema: JsonObject, value: JsonObject): SchemaOutcome {
  const outcome: { problems: FieldProblem[]; unknown: string[] } = { problems: [], unknown: [] };
  const properties = asObject(schema.properties);
  for (const [name, member] of Object.entries(value)) {
    if (name === "apiVersion" || name === "kind" || name === "metadata") continue;
    if (properties[name] === undefined && schema["x-kubernetes-preserve-unknown-fields"] !== true) {
      outcome.unknown.push(name);
      delete value[name];
    } else if (member !== undefined) visit(asObject(properties[name]), member, name, outcome);
  }
  for (const [name, property] of Object.entries(properties)) applyDefault(value, name, asObject(property));
  for (const name of asArray(schema.required))
    if (value[String(name)] === undefined)
      outcome.problems.push({ field: String(name), message: "Required value", reason: "FieldValueRequired" });
  return outcome;
}

interface Mutable {
  readonly problems: FieldProblem[];
  readonly unknown: string[];
}

function visit(schema: JsonObject, value: Json, path: string, outcome: Mutable): void {
  if (value === null) {
    if (schema.nullable !== true && schema.type !== undefined)
      outcome.problems.push({
        field: path,
        message: `Invalid value: "null": ${path} in body must be of type ${String(schema.type)}: "null"`,
        reason: "FieldValueTypeInvalid",
      });
    return;
  }
  if (schema["x-kubernetes-int-or-string"] === true) {
    if (typeof value !== "string" && typeof value !== "number") wrongType("integer or string", value, path, outcome);
    return;
  }
  if (!hasType(schema.type, value)) return wrongType(String(schema.type), value, path, outcome);
  if (isObject(value)) visitObject(schema, value, path, outcome);
  else if (Array.isArray(value)) visitArray(schema, value, path, outcome);
  else visitScalar(schema, value, path, outcome);
  const alternatives = asArray(schema.oneOf);
  if (alternatives.length > 0) {
    const fitting = alternatives.filter((alternative) => fits(asObject(alternative), value)).length;
    if (fitting !== 1)
      outcome.problems.push({
        field: path,
        message: `Invalid value: ${JSON.stringify(value)}: ${path} in body must validate one and only one schema (oneOf)`,
      });
  }
}

function visitObject(schema: JsonObject, value: JsonObject, path: string, outcome: Mutable): void {
  const properties = asObject(schema.properties);
  const additional = schema.additionalProperties;
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const property = properties[name];
    if (property !== undefined) visit(asObject(property), member, `${path}.${name}`, outcome);
    else if (isObject(additional)) visit(additional, member, `${path}.${name}`, outcome);
    else if (
      additional !== true &&
      schema["x-kubernetes-preserve-unknown-fields"] !== true &&
      schema.type === "object"
    ) {
      outcome.unknown.push(`${path}.${name}`);
      delete value[name];
    }
  }
  for (const [name, property] of Object.entries(properties)) applyDefault(value, name, asObject(property));
  for (const name of asArray(schema.required))
    if (value[String(name)] === undefined)
      outcome.problems.push({
        field: `${path}.${String(name)}`,
        message: "Required value",
        reason: "FieldValueRequired",
      });
}

function visitArray(schema: JsonObject, value: readonly Json[], path: string, outcome: Mutable): void {
  const { minItems, maxItems } = schema;
  if (typeof maxItems === "number" && value.length > maxItems)
    outcome.problems.push({
      field: path,
      message: `Too many: ${value.length}: must have at most ${maxItems} items`,
      reason: "FieldValueTooMany",
    });
  if (typeof minItems === "number" && value.length < minItems)
    outcome.problems.push({
      field: path,
      message: `Invalid value: ${value.length}: ${path} in body should have at least ${minItems} items`,
    });
  for (const [index, item] of value.entries()) visit(asObject(schema.items), item, `${path}[${index}]`, outcome);
}

function visitScalar(schema: JsonObject, value: string | number | boolean, path: string, outcome: Mutable): void {
  const fail = (message: string): void =>
    void outcome.problems.push({
      field: path,
      message: `Invalid value: ${JSON.stringify(value)}: ${path} in body ${message}`,
    });
  const allowed = asArray(schema.enum);
  if (allowed.length > 0 && !allowed.includes(value))
    outcome.problems.push({
      field: path,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed.map((one) => JSON.stringify(one)).join(", ")}`,
      reason: "FieldValueNotSupported",
    });
  if (typeof value === "number") {
    if (typeof schema.minimum === "number" && value < schema.minimum)
      fail(`should be greater than or equal to ${schema.minimum}`);
    if (typeof schema.maximum === "number" && value > schema.maximum)
      fail(`should be less than or equal to ${schema.maximum}`);
  }
  if (typeof value === "string") {
    if (typeof schema.minLength === "number" && value.length < schema.minLength)
      fail(`should be at least ${schema.minLength} chars long`);
    if (typeof schema.maxLength === "number" && value.length > schema.maxLength)
      fail(`should be at most ${schema.maxLength} chars long`);
    if (typeof schema.pattern === "string" && !new RegExp(schema.pattern, "u").test(value))
      fail(`should match '${schema.pattern}'`);
  }
}

function applyDefault(value: JsonObject, name: string, property: JsonObject): void {
  if (value[name] === undefined && property.default !== undefined) value[name] = structuredClone(property.default);
}

function hasType(type: Json | undefined, value: Json): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

function wrongType(type: string, value: Json, path: string, outcome: Mutable): void {
  const found = Array.isArray(value)
    ? "array"
    : typeof value === "number"
      ? Number.isInteger(value)
        ? "integer"
        : "number"
      : typeof value;
  outcome.problems.push({
    field: path,
    message: `Invalid value: ${JSON.stringify(found)}: ${path} in body must be of type ${type}: ${JSON.stringify(found)}`,
    reason: "FieldValueTypeInvalid",
  });
}

/** The alternatives of a oneOf only say which fields are required, possibly negated or nested. */
function fits(schema: JsonObject, value: Json): boolean {
  if (isObject(schema.not) && fits(schema.not, value)) return false;
  const anyOf = asArray(schema.anyOf);
  if (anyOf.length > 0 && !anyOf.some((one) => fits(asObject(one), value))) return false;
  const required = asArray(schema.required);
  if (required.length > 0 && (!isObject(value) || !required.every((name) => value[String(name)] !== undefined)))
    return false;
  if (isObject(schema.properties) && isObject(value)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      const member = value[name];
      if (member !== undefined && member !== null && !fits(asObject(property), member)) return false;
    }
  }
  return hasType(schema.type, value);
}
