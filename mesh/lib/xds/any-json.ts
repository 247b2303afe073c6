import { jsonTypes } from "./json-types.ts";

const PREFIX = "type.googleapis.com/";
/** Fields whose value is free-form data (google.protobuf.Struct): its keys are no field names. */
const structFields: ReadonlySet<string> = new Set(["jsonFormat"]);
/** Maps whose keys are data and whose values are messages. */
const mapFields: ReadonlySet<string> = new Set([
  "typedPerFilterConfig",
  "typedExtensionProtocolOptions",
  "extensionProtocolOptions",
  "typedFilterMetadata",
  "policies",
  "providers",
  "requirementMap",
]);
/** How durations are called, to tell one of zero seconds from an empty message. */
const durationName = /(timeout|interval|delay|duration|window|age|ttl)$/i;

/**
 * Turns what the generated `toJSON` gives into the JSON that Envoy's admin port prints: protobuf field names, Any fields opened
 * with their @type, durations as "1.5s". Source: the JSON mapping of proto3, with original field names as Envoy keeps them.
 */
export function toEnvoyJson(value: unknown): unknown {
  return convert(value, "");
}

/** A message in Any form as JSON with its @type; as base64 when the type is not known here. */
export function anyToJson(typeUrl: string, bytes: Uint8Array): Record<string, unknown> {
  const read = jsonTypes[typeUrl.startsWith(PREFIX) ? typeUrl.slice(PREFIX.length) : typeUrl];
  if (read === undefined) return { "@type": typeUrl, value: Buffer.from(bytes).toString("base64") };
  return { "@type": typeUrl, ...(convert(read(bytes), "") as Record<string, unknown>) };
}

/** A decoded message as an opened Any. */
export function messageToJson(typeUrl: string, json: unknown): Record<string, unknown> {
  return { "@type": typeUrl, ...(convert(json, "") as Record<string, unknown>) };
}

function convert(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, key));
  if (value === null || typeof value !== "object") return value;
  if (isAny(value)) return anyToJson(value.typeUrl, Buffer.from(value.value ?? "", "base64"));
  if (isDuration(value, key)) return durationText(value);
  const isMap = mapFields.has(key);
  const entries = Object.entries(value).map(([name, child]) => {
    if (isStruct(name, child, key)) return [isMap ? name : snake(name), child];
    return [isMap ? name : snake(name), convert(child, isMap ? "" : name)];
  });
  return Object.fromEntries(entries);
}

function isStruct(name: string, value: unknown, parent: string): boolean {
  if (structFields.has(name) || parent === "filterMetadata") return true;
  // A node's metadata is a Struct; everything else called so is core.Metadata.
  if (name !== "metadata" || value === null || typeof value !== "object") return false;
  return !("filterMetadata" in value) && !("typedFilterMetadata" in value);
}

function isAny(value: object): value is { readonly typeUrl: string; readonly value?: string } {
  if (!("typeUrl" in value) || typeof value.typeUrl !== "string") return false;
  return Object.keys(value).every((name) => name === "typeUrl" || name === "value");
}

function isDuration(value: object, key: string): value is { readonly seconds?: number; readonly nanos?: number } {
  const names = Object.keys(value);
  if (names.length === 0) return durationName.test(key);
  return names.every((name) => name === "seconds" || name === "nanos");
}

function durationText({ seconds = 0, nanos = 0 }: { readonly seconds?: number; readonly nanos?: number }): string {
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${seconds}${fraction}s`;
}

/** ts-proto's names back to those of the .proto file. */
function snake(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
