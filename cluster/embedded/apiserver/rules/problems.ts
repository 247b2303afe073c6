import type { Json, JsonObject } from "../../machinery/json.ts";
import type { FieldProblem } from "../status.ts";

/** A value as messages show it: the JSON of Go, which escapes what HTML would read. */
function shownValue(value: Json): string {
  const text = JSON.stringify(value);
  return typeof value === "object" ? text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`) : text;
}

export const required = (field: string, detail = ""): FieldProblem => ({
  field,
  message: `Required value${detail === "" ? "" : `: ${detail}`}`,
  reason: "FieldValueRequired",
});
export const wrong = (field: string, value: Json | undefined, detail: string): FieldProblem => ({
  field,
  message: `Invalid value: ${shownValue(value ?? null)}: ${detail}`,
});
export const duplicate = (field: string, value: Json | undefined): FieldProblem => ({
  field,
  message: `Duplicate value: ${shownValue(value ?? null)}`,
  reason: "FieldValueDuplicate",
});
export const missing = (field: string, value: string): FieldProblem => ({
  field,
  message: `Not found: ${JSON.stringify(value)}`,
  reason: "FieldValueNotFound",
});
export const forbidden = (field: string, detail: string): FieldProblem => ({
  field,
  message: `Forbidden: ${detail}`,
  reason: "FieldValueForbidden",
});
export const unsupported = (field: string, value: Json | undefined, supported: readonly string[]): FieldProblem => ({
  field,
  message: `Unsupported value: ${JSON.stringify(value ?? "")}: supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`,
  reason: "FieldValueNotSupported",
});

/** A field that has to be one of some values, if it is said at all. */
export function oneOf(
  { object, name, path }: { readonly object: JsonObject; readonly name: string; readonly path: string },
  supported: readonly string[],
): readonly FieldProblem[] {
  const value = object[name];
  return value === undefined || supported.includes(String(value))
    ? []
    : [unsupported(`${path}.${name}`, value, supported)];
}

export const notNegative = (field: string, value: Json | undefined): readonly FieldProblem[] =>
  typeof value === "number" && value < 0 ? [wrong(field, value, "must be greater than or equal to 0")] : [];

export const PORT_RANGE = "must be between 1 and 65535, inclusive";
export const isPort = (value: Json | undefined): boolean =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** A DNS label, as names of containers, volumes and ports of services are. */
export function labelProblems(field: string, value: string): readonly FieldProblem[] {
  if (value.length > 63) return [wrong(field, value, "must be no more than 63 bytes")];
  return /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value) ? [] : [wrong(field, value, LABEL)];
}

export const PROTOCOLS = ["SCTP", "TCP", "UDP"];
