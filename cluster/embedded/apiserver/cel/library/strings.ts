import type { Declaration } from "../functions.ts";
import {
  CelError,
  CelObject,
  type CelValue,
  Duration,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Unsigned,
} from "../values.ts";
import { doubleText, regex } from "./standard.ts";

const signs = (text: string): readonly string[] => [...text];

function indexOf(text: string, part: string, from = 0n): bigint {
  const all = signs(text);
  if (from < 0n || from > BigInt(all.length)) throw new CelError(`index out of range: ${from}`);
  const at = all.slice(Number(from)).join("").indexOf(part);
  return at === -1 ? -1n : from + BigInt(signs(all.slice(Number(from)).join("").slice(0, at)).length);
}

function lastIndexOf(text: string, part: string, until?: bigint): bigint {
  const all = signs(text);
  if (until !== undefined && (until < 0n || until > BigInt(all.length)))
    throw new CelError(`index out of range: ${until}`);
  const end = until === undefined ? all.length : Number(until) + signs(part).length;
  const at = all.slice(0, end).join("").lastIndexOf(part);
  return at === -1 ? -1n : BigInt(signs(text.slice(0, at)).length);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = signs(text);
  const last = end ?? BigInt(all.length);
  if (start < 0n || start > BigInt(all.length)) throw new CelError(`index out of range: ${start}`);
  if (last < 0n || last > BigInt(all.length)) throw new CelError(`index out of range: ${last}`);
  if (start > last) throw new CelError(`invalid substring range. start: ${start}, end: ${last}`);
  return all.slice(Number(start), Number(last)).join("");
}

function charAt(text: string, index: bigint): string {
  const all = signs(text);
  if (index < 0n || index > BigInt(all.length)) throw new CelError(`index out of range: ${index}`);
  return all[Number(index)] ?? "";
}

function replace(text: string, [old, fresh, limit]: readonly [string, string, bigint]): string {
  if (limit < 0n) return text.replaceAll(old, () => fresh);
  let left = limit;
  return text.replaceAll(old, (found) => (left-- > 0n ? fresh : found));
}

function split(text: string, separator: string, limit = -1n): readonly string[] {
  if (limit === 0n) return [];
  const all = text.split(separator);
  if (limit < 0n || BigInt(all.length) <= limit) return all;
  const head = all.slice(0, Number(limit) - 1);
  return [...head, all.slice(head.length).join(separator)];
}

const ascii = (text: string, change: (sign: string) => string): string => text.replace(/[A-Za-z]/g, change);

/** `'%s: %d'.format([…])`. Source: CEL's extended strings. */
export function format(pattern: string, args: readonly CelValue[]): string {
  let next = 0;
  return pattern.replace(/%(?:(%)|(?:\.(\d+))?([sdfexXob]))/g, (_, percent, precision, verb) => {
    if (percent !== undefined) return "%";
    const value = args[next++];
    if (value === undefined) throw new CelError(`index ${next - 1} out of range`);
    return formatOne(verb as string, value, precision === undefined ? 6 : Number(precision));
  });
}

function formatOne(verb: string, value: CelValue, precision: number): string {
  const kind = (what: string): CelError => new CelError(`error during formatting: ${what}, was given ${goName(value)}`);
  const integer = value instanceof Unsigned ? value.value : value;
  switch (verb) {
    case "s":
      return textOf(value);
    case "d":
      if (typeof integer !== "bigint") throw kind("decimal clause can only be used on integers");
      return String(integer);
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (typeof integer !== "bigint") throw kind("only integers and bools can be formatted as binary");
      return integer.toString(2);
    case "o":
      if (typeof integer !== "bigint") throw kind("octal clause can only be used on integers");
      return integer.toString(8);
    case "f":
      if (typeof value !== "number") throw kind("fixed-point clause can only be used on doubles");
      return Number.isFinite(value) ? value.toFixed(precision) : doubleText(value);
    case "e":
      if (typeof value !== "number") throw kind("scientific clause can only be used on doubles");
      return value.toExponential(precision).replace(/e([-+])(\d)$/, "e$10$2");
    default: {
      const hex =
        typeof integer === "bigint"
          ? integer.toString(16)
          : typeof value === "string" || value instanceof Uint8Array
            ? Buffer.from(value as string).toString("hex")
            : undefined;
      if (hex === undefined) throw kind("only integers, byte buffers, and strings can be formatted as hex");
      return verb === "X" ? hex.toUpperCase() : hex;
    }
  }
}

const goName = (value: CelValue): string =>
  typeof value === "string" ? "string" : typeof value === "number" ? "double" : typeof value;

function textOf(value: CelValue): string {
  if (value === null) return "null";
  if (typeof value === "number") return doubleText(value);
  if (typeof value !== "object") return String(value);
  if (value instanceof Unsigned) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (value instanceof Timestamp || value instanceof Duration) return String(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Opaque) return value.key;
  if (value instanceof Optional) return value.inner === undefined ? "optional.none()" : textOf(value.inner);
  const entries = value instanceof CelObject ? value.fields : value;
  if (entries instanceof Map)
    return `{${[...entries].map(([key, member]) => `${textOf(key)}: ${textOf(member)}`).join(", ")}}`;
  return `[${(value as readonly CelValue[]).map(textOf).join(", ")}]`;
}

function find(text: string, pattern: string): string {
  const found = regex(pattern).matcher(text);
  return found.find() ? (found.group() ?? "") : "";
}

function findAll(text: string, pattern: string, limit = -1n): readonly string[] {
  const found = regex(pattern).matcher(text);
  const all: string[] = [];
  while ((limit < 0n || BigInt(all.length) < limit) && found.find()) all.push(found.group() ?? "");
  return all;
}

/** Strings and regular expressions beyond the standard. */
export const strings: readonly Declaration[] = [
  ["string.charAt(int): string", charAt],
  ["string.indexOf(string): int", indexOf],
  ["string.indexOf(string, int): int", indexOf],
  ["string.lastIndexOf(string): int", lastIndexOf],
  ["string.lastIndexOf(string, int): int", lastIndexOf],
  ["string.lowerAscii(): string", (text) => ascii(text, (sign) => sign.toLowerCase())],
  ["string.upperAscii(): string", (text) => ascii(text, (sign) => sign.toUpperCase())],
  ["string.replace(string, string): string", (text, old, fresh) => replace(text, [old, fresh, -1n])],
  ["string.replace(string, string, int): string", (text, old, fresh, limit) => replace(text, [old, fresh, limit])],
  ["string.split(string): list<string>", split],
  ["string.split(string, int): list<string>", split],
  ["string.substring(int): string", substring],
  ["string.substring(int, int): string", substring],
  ["string.trim(): string", (text) => text.trim()],
  ["list<string>.join(): string", (list) => list.join("")],
  ["list<string>.join(string): string", (list, separator) => list.join(separator)],
  ["string.format(list<dyn>): string", format],
  ["strings.quote(string): string", (text) => JSON.stringify(text)],
  ["string.find(string): string", find],
  ["string.findAll(string): list<string>", findAll],
  ["string.findAll(string, int): list<string>", findAll],
];
