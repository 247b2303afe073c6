import { asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";

const metaFields = new Set(["apiVersion", "kind", "metadata"]);

/**
 * Removes the fields that a structural schema does not know from an object of its kind, in place, and nulls where there may be none.
 * Returns the paths of the fields that went. Source: Kubernetes' documentation of custom resources, "Field pruning".
 */
export function prune(schema: JsonObject, object: JsonObject): readonly string[] {
  const unknown: string[] = [];
  pruneValue({ ...schema, "x-kubernetes-embedded-resource": true }, object, { path: "", unknown });
  return unknown.sort();
}

interface Walk {
  readonly path: string;
  readonly unknown: string[];
}

const child = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

function pruneValue(schema: JsonObject | undefined, value: Json, walk: Walk): void {
  if (Array.isArray(value)) {
    const items = isObject(schema?.items) ? schema.items : undefined;
    if (keepsUnknown(schema) && items === undefined) return;
    for (const [index, item] of value.entries()) pruneValue(items, item, { ...walk, path: `${walk.path}[${index}]` });
  } else if (isObject(value)) pruneMembers(schema, value, walk);
}

const keepsUnknown = (schema: JsonObject | undefined): boolean =>
  schema?.["x-kubernetes-preserve-unknown-fields"] === true;

function pruneMembers(schema: JsonObject | undefined, value: JsonObject, { path, unknown }: Walk): void {
  const properties = asObject(schema?.properties);
  const additional = schema?.additionalProperties;
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (schema?.["x-kubernetes-embedded-resource"] === true && metaFields.has(name)) continue;
    const at = child(path, name);
    const property = properties[name];
    if (isObject(property)) pruneValue(property, member, { path: at, unknown });
    else if (isObject(additional)) pruneValue(additional, member, { path: at, unknown });
    else if (additional === undefined && !keepsUnknown(schema)) {
      unknown.push(at);
      delete value[name];
    }
  }
}

/** Removes nulls of fields that may not be null and have no default, in place: they count as not said. */
export function pruneNulls(schema: JsonObject | undefined, value: Json): void {
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(isObject(schema?.items) ? schema.items : undefined, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    const of = schemaOfField(schema, name);
    if (member === null && of !== undefined && of.nullable !== true && of.default === undefined) delete value[name];
    else if (member !== undefined) pruneNulls(of, member);
  }
}

function schemaOfField(schema: JsonObject | undefined, name: string): JsonObject | undefined {
  const property = asObject(schema?.properties)[name];
  if (isObject(property)) return property;
  return isObject(schema?.additionalProperties) ? schema.additionalProperties : undefined;
}

/** Fields of an object's metadata, with what they hold. */
const metadataFields: Readonly<Record<string, "text" | "texts" | "map" | "number" | "any">> = {
  name: "text",
  generateName: "text",
  namespace: "text",
  selfLink: "text",
  uid: "text",
  resourceVersion: "text",
  generation: "number",
  creationTimestamp: "any",
  deletionTimestamp: "any",
  deletionGracePeriodSeconds: "number",
  labels: "map",
  annotations: "map",
  ownerReferences: "any",
  finalizers: "texts",
  managedFields: "any",
};

/** Checks the metadata of embedded resources and removes what metadata does not have, in place; returns the paths of what went. */
export function tidyEmbedded(schema: JsonObject, value: Json, path = ""): readonly string[] {
  if (Array.isArray(value)) {
    const items = asObject(schema.items);
    return value.flatMap((item, index) => tidyEmbedded(items, item, `${path}[${index}]`));
  }
  if (!isObject(value)) return [];
  const unknown = schema["x-kubernetes-embedded-resource"] === true ? tidyResource(value, path) : [];
  for (const [name, member] of Object.entries(value)) {
    const of = schemaOfField(schema, name);
    if (of !== undefined && member !== undefined) unknown.push(...tidyEmbedded(of, member, child(path, name)));
  }
  return unknown;
}

function tidyResource(value: JsonObject, path: string): string[] {
  for (const name of ["apiVersion", "kind"])
    if (value[name] !== undefined && typeof value[name] !== "string")
      throw new EmbeddedProblem(child(path, name), value[name], "must be a string");
  if (value.metadata === undefined) return [];
  const at = child(path, "metadata");
  if (!isObject(value.metadata))
    throw new EmbeddedProblem(at, value.metadata, typeText(value.metadata, "v1.ObjectMeta"));
  const unknown: string[] = [];
  for (const [name, member] of Object.entries(value.metadata)) {
    const kind = metadataFields[name];
    if (kind === undefined) {
      unknown.push(child(at, name));
      delete value.metadata[name];
    } else if (member !== undefined && member !== null && !fits(kind, member))
      throw new EmbeddedProblem(at, value.metadata, typeText(member, goTypes[kind] ?? "", `ObjectMeta.${name}`));
  }
  return unknown;
}

/** An embedded resource that cannot be one. */
export class EmbeddedProblem extends StatusError {
  constructor(field: string, value: Json, why: string) {
    super(400, "BadRequest", `${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  }
}

const goTypes: Readonly<Record<string, string>> = {
  text: "string",
  texts: "[]string",
  map: "map[string]string",
  number: "int64",
};

function fits(kind: string, value: Json): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "number":
      return Number.isInteger(value);
    case "texts":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "map":
      return isObject(value) && Object.values(value).every((item) => typeof item === "string");
    default:
      return true;
  }
}

function typeText(value: Json, wanted: string, field?: string): string {
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return `json: cannot unmarshal ${found} into Go ${field === undefined ? "value" : `struct field ${field}`} of type ${wanted}`;
}
