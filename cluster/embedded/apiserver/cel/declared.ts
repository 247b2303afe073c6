import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { type CelType, dyn, listOf, mapOf, scalar } from "./types.ts";
import { CelObject, type CelValue, Duration, Timestamp } from "./values.ts";

/** The part of a schema that expressions can see, with how large it can get. */
export interface Declared {
  readonly type: CelType;
  /** Most items, members or bytes; 0 for what has none. */
  readonly most: number;
  /** Bytes that a value takes at least, as JSON. */
  readonly least: number;
  /** Of objects: fields by the names that expressions know them by. */
  readonly fields?: ReadonlyMap<string, DeclaredField>;
  /** Of lists and maps: what is in them. */
  readonly of?: Declared;
}

export interface DeclaredField {
  /** As in the object. */
  readonly name: string;
  readonly declared: Declared;
}

/** Requests get no larger. */
export const MAX_REQUEST = 3 * 1024 * 1024;
const NAMES: JsonObject = {
  type: "object",
  properties: { name: { type: "string" }, generateName: { type: "string" } },
};

/** What expressions see of a schema's values; undefined for what they cannot see. `isResource`: with kind, apiVersion and metadata. */
export function declare(schema: JsonObject, isResource: boolean, name = "object"): Declared | undefined {
  if (schema["x-kubernetes-int-or-string"] === true)
    return { type: dyn, most: bytesOf(schema) ?? MAX_REQUEST - 2, least: 1 };
  switch (schema.type) {
    case "array":
      return declareList(schema, name);
    case "object":
      return isObject(schema.additionalProperties)
        ? declareMap(schema, schema.additionalProperties, name)
        : declareObject(isResource ? withMetadata(schema) : schema, name);
    case "string":
      return declareText(schema);
    case "boolean":
      return { type: scalar("bool"), most: 0, least: 4 };
    case "number":
      return { type: scalar("double"), most: 0, least: 1 };
    case "integer":
      return { type: scalar("int"), most: 0, least: 1 };
    default:
      return undefined;
  }
}

export const isEmbedded = (schema: JsonObject): boolean => schema["x-kubernetes-embedded-resource"] === true;

function withMetadata(schema: JsonObject): JsonObject {
  const text = { type: "string" };
  return { ...schema, properties: { ...asObject(schema.properties), kind: text, apiVersion: text, metadata: NAMES } };
}

const count = (value: Json | undefined): number | undefined =>
  typeof value === "number" ? Math.max(0, value) : undefined;

/** A character has up to four bytes. */
function bytesOf(schema: JsonObject): number | undefined {
  const length = count(schema.maxLength);
  return length === undefined ? undefined : length * 4;
}

function declareList(schema: JsonObject, name: string): Declared | undefined {
  if (!isObject(schema.items)) return undefined;
  const of = declare(schema.items, isEmbedded(schema.items), `${name}.@idx`);
  if (of === undefined) return undefined;
  const most = count(schema.maxItems) ?? Math.floor((MAX_REQUEST - 2) / (of.least + 1));
  return { type: listOf(of.type), most, least: 2, of };
}

function declareMap(schema: JsonObject, values: JsonObject, name: string): Declared | undefined {
  const of = declare(values, isEmbedded(values), `${name}.@elem`);
  if (of === undefined) return undefined;
  const most = count(schema.maxProperties) ?? Math.floor((MAX_REQUEST - 2) / (of.least + 6));
  return { type: mapOf(scalar("string"), of.type), most, least: 2, of };
}

function declareObject(schema: JsonObject, name: string): Declared {
  const required = new Set(asArray(schema.required));
  const fields = new Map<string, DeclaredField>();
  let least = 2;
  for (const [field, property] of Object.entries(asObject(schema.properties))) {
    const of = asObject(property);
    const declared = declare(of, isEmbedded(of), `${name}.${field}`);
    if (declared === undefined) continue;
    const escaped = escapeName(field);
    if (escaped !== undefined) fields.set(escaped, { name: field, declared });
    // The field of Kubernetes that is a keyword of CEL is known by its own name too.
    if (field === "namespace") fields.set(field, { name: field, declared });
    if (required.has(field) && of.default === undefined) least += field.length + declared.least + 4;
  }
  const types = new Map([...fields].map(([field, { declared }]) => [field, declared.type]));
  return { type: { kind: "object", name, fields: types }, most: 0, least, fields };
}

function declareText(schema: JsonObject): Declared {
  switch (schema.format) {
    case "byte":
      return { type: scalar("bytes"), most: count(schema.maxLength) ?? MAX_REQUEST - 2, least: 2 };
    case "duration":
      return { type: scalar("duration"), most: 32, least: 3 };
    case "date":
      return { type: scalar("timestamp"), most: 12, least: 12 };
    case "date-time":
      return { type: scalar("timestamp"), most: 32, least: 21 };
    default: {
      const choices = asArray(schema.enum).map((one) => (typeof one === "string" ? one.length : 0));
      const longest = choices.length > 0 ? Math.max(...choices) : MAX_REQUEST - 2;
      return { type: scalar("string"), most: bytesOf(schema) ?? longest, least: 2 };
    }
  }
}

const keywords = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);
const signs: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** The name by which expressions know a field; undefined if there is none. Source: Kubernetes' documentation of validation rules. */
export function escapeName(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (sign) => signs[sign] ?? sign);
}

/** A value as expressions see it; undefined where it does not have its type, which validation has told already. */
export function toCel(declared: Declared, value: Json | undefined): CelValue | undefined {
  if (value === undefined) return undefined;
  if (value === null) return null;
  switch (declared.type.kind) {
    case "int":
      return typeof value === "number" ? BigInt(Math.trunc(value)) : undefined;
    case "bytes":
      return Buffer.from(String(value), "base64");
    case "timestamp":
      return Timestamp.parse(/^\d{4}-\d\d-\d\d$/.test(String(value)) ? `${String(value)}T00:00:00Z` : String(value));
    case "duration":
      return Duration.parse(String(value));
    case "dyn":
      return Number.isInteger(value) ? BigInt(value as number) : (value as CelValue);
    case "list":
      return asArray(value).map((item) => toCel(declared.of as Declared, item) ?? null);
    case "map":
      return new Map(
        Object.entries(asObject(value)).flatMap(([key, member]) => {
          const converted = toCel(declared.of as Declared, member);
          return converted === undefined ? [] : [[key, converted] as const];
        }),
      );
    case "object":
      return toObject(declared, asObject(value));
    default:
      return value as CelValue;
  }
}

function toObject({ fields = new Map() }: Declared, value: JsonObject): CelObject {
  const members = new Map<string, CelValue>();
  for (const [escaped, { name, declared }] of fields) {
    const converted = toCel(declared, value[name]);
    if (converted !== undefined) members.set(escaped, converted);
  }
  return new CelObject(members);
}
