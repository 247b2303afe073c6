import { RE2JS } from "re2js";
import { checkUnique, type Field } from "./check.ts";

/** Rules that several kinds share. Source: Istio's API reference; names by RFC 1123. */

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const QUALIFIED_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const HEADER_NAME = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;
/** Parts of a duration as Go and protobuf write it. */
const DURATION = /^([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))+$/;
const MAX_NAME = 255;

export const isLabel = (text: string): boolean => LABEL.test(text);

/** A full DNS name; an underscore may stand in it, as in names of SRV records. */
export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= MAX_NAME && labels.every((label) => LABEL.test(label.replaceAll("_", "a")));
}

/** `*`, `*.name` or a full name. */
export const isWildcardHost = (text: string): boolean =>
  text === "*" || (text.startsWith("*.") ? isHostName(text.slice(2)) : isHostName(text));

export const isIpv4 = (text: string): boolean => {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
};
const isIpv6 = (text: string): boolean =>
  text.includes(":") && /^[0-9a-fA-F:]+(\d+\.\d+\.\d+\.\d+)?$/.test(text) && text.split("::").length <= 2;
export const isAddress = (text: string): boolean => isIpv4(text) || isIpv6(text);

export function isRange(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  if (rest.length > 0 || !isAddress(address)) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (isIpv4(address) ? 32 : 128));
}

export function checkHost(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  if (!isHostName(text)) field.error(`"${text}" is not a host name`);
}

export function checkWildcardHost(field: Field): void {
  const text = field.text();
  if (text !== undefined && !isWildcardHost(text)) {
    field.error(`"${text}" is not a host name; a wildcard may only stand alone or as the first label (*.example.com)`);
  }
}

export function checkPort(field: Field): void {
  const port = field.number();
  if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65_535))
    field.error(`${port} is not a port (1 to 65535)`);
}

export function checkRegex(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  try {
    RE2JS.compile(text);
  } catch (error) {
    field.error(
      `"${text}" is not a regular expression in RE2 syntax: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** One of exact, prefix and regex. */
export function checkStringMatch(field: Field): void {
  const used = field.presentOf("exact", "prefix", "regex");
  if (used.length > 1) field.error(`may have only one of exact, prefix and regex, not ${used.join(" and ")}`);
  if (field.at("prefix").value === "")
    field.at("prefix").error("must not be empty; leave the match out to match everything");
  checkRegex(field.at("regex"));
}

/** Length in milliseconds; undefined for what is no duration. */
export function parseDuration(text: string): number | undefined {
  const negative = text.startsWith("-");
  const body = negative ? text.slice(1) : text;
  if (body === "0") return 0;
  if (!DURATION.test(body)) return undefined;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, ns: 0.000_001 };
  const parts = [...body.matchAll(/([0-9.]+)(ms|us|ns|h|m|s)/g)];
  const sum = parts.reduce((total, [, number, unit]) => total + Number(number) * (units[unit ?? ""] ?? 0), 0);
  return negative ? -sum : sum;
}

/** A duration of at least a millisecond, or also zero where that means "none". */
export function checkDuration(field: Field, options: { readonly zero?: boolean } = {}): void {
  const text = field.text();
  if (text === undefined) return;
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) return field.error(`"${text}" is not a duration such as 1.5s, 250ms or 1h`);
  if (milliseconds < 0) return field.error(`"${text}" must not be negative`);
  if (milliseconds === 0 && options.zero === true) return;
  if (milliseconds < 1) field.error(`"${text}" is shorter than a millisecond`);
}

export function checkRangeOf(field: Field, low: number, high: number): void {
  const number = field.number();
  if (number !== undefined && (number < low || number > high))
    field.error(`must be between ${low} and ${high}, not ${number}`);
}

export function checkNotNegative(field: Field): void {
  const number = field.number();
  if (number !== undefined && number < 0) field.error(`must not be negative, but is ${number}`);
}

export const checkPercentage = (field: Field): void => checkRangeOf(field, 0, 100);

/** `{ value: 12.5 }` */
export const checkPercent = (field: Field): void => checkPercentage(field.at("value"));

export function checkHeaderName(field: Field, name: string): void {
  if (name === "") return field.error("a header's name must not be empty");
  if (!HEADER_NAME.test(name)) field.error(`"${name}" is not the name of a header`);
}

export function checkLabels(field: Field): void {
  for (const [key, value] of field.entries()) {
    if (!QUALIFIED_NAME.test(key)) value.error(`"${key}" is not the key of a label`);
    const text = value.text();
    if (text !== undefined && !LABEL_VALUE.test(text)) value.error(`"${text}" is not the value of a label`);
  }
}

/** Where configuration is seen: ".", "*", "~" or names of namespaces. */
export function checkExportTo(field: Field): void {
  const items = field.items();
  for (const item of items) {
    const text = item.text();
    if (text === undefined || text === "." || text === "*" || text === "~" || isLabel(text)) continue;
    item.error(`"${text}" is none of ".", "*", "~" and the name of a namespace`);
  }
  const texts = items.map(({ value }) => value);
  if (texts.includes("*") && texts.length > 1)
    field.error('"*" means all namespaces, so nothing else may stand beside it');
  if (texts.includes("~") && texts.length > 1)
    field.error('"~" means no namespace, so nothing else may stand beside it');
  checkUnique(items, "namespace");
}

/** A subset's name, and others that are one DNS label. */
export function checkLabelName(field: Field, what: string): void {
  const text = field.text();
  if (text !== undefined && text !== "" && !isLabel(text))
    field.error(`"${text}" is not the name of a ${what} (letters, digits and hyphens)`);
}

export function checkOneOf(field: Field, allowed: readonly string[]): void {
  const text = field.text();
  if (text !== undefined && !allowed.includes(text)) field.error(`"${text}" is none of ${allowed.join(", ")}`);
}

/** `selector.matchLabels` against `targetRefs`: what a policy is for may be said in one way only. */
export function checkPolicyTarget(spec: Field): void {
  const ways = spec.presentOf("selector", "targetRef", "targetRefs");
  if (ways.length > 1) spec.at(ways[1]!).error(`may not stand beside ${ways[0]}: say in one way what this is for`);
  checkLabels(spec.at("selector").at("matchLabels"));
  for (const reference of [spec.at("targetRef"), ...spec.at("targetRefs").items()]) {
    if (!reference.present) continue;
    reference.at("kind").require();
    reference.at("name").require();
    if (reference.has("namespace"))
      reference.at("namespace").error("policies are for objects of their own namespace; leave the namespace out");
  }
}
