import { RE2JS } from "re2js";
import type { Declaration } from "../functions.ts";
import {
  CelError,
  type CelValue,
  Duration,
  none,
  Optional,
  Timestamp,
  TypeValue,
  typeName,
  Unsigned,
} from "../values.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

/** Integers of CEL have 64 bits. */
export function checkedInt(value: bigint): bigint {
  if (value > MAX || value < MIN) throw new CelError("integer overflow");
  return value;
}

export const doubleText = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
};

const sizeOf = (value: CelValue): bigint => {
  if (typeof value === "string") return BigInt([...value].length);
  if (value instanceof Map) return BigInt(value.size);
  return BigInt((value as Uint8Array | readonly CelValue[]).length);
};

const sizes: readonly Declaration[] = ["string", "bytes", "list<T>", "map<K, V>"].flatMap((type): Declaration[] => [
  [`size(${type}): int`, sizeOf],
  [`${type}.size(): int`, sizeOf],
]);

function parseInteger(text: string): bigint {
  if (!/^[-+]?\d+$/.test(text)) throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return checkedInt(BigInt(text.replace("+", "")));
}

function parseDouble(text: string): number {
  if (/^[-+]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const value = text.trim() === text && text !== "" ? Number(text) : Number.NaN;
  if (Number.isNaN(value) && !/^nan$/i.test(text))
    throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

function integerOf(value: number): bigint {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) throw new CelError("integer overflow");
  return BigInt(Math.trunc(value));
}

const truths = ["1", "t", "T", "TRUE", "true", "True"];
const lies = ["0", "f", "F", "FALSE", "false", "False"];

function parseBool(text: string): boolean {
  if (truths.includes(text)) return true;
  if (lies.includes(text)) return false;
  throw new CelError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const same = (value: CelValue): CelValue => value;

const conversions: readonly Declaration[] = [
  ["dyn(T): dyn", same],
  ["type(T): type", (value) => new TypeValue(typeName(value))],
  ["bool(bool): bool", same],
  ["bool(string): bool", parseBool],
  ["int(int): int", same],
  ["int(uint): int", ({ value }) => checkedInt(value)],
  ["int(double): int", integerOf],
  ["int(string): int", parseInteger],
  ["int(timestamp): int", ({ seconds }) => seconds],
  ["uint(uint): uint", same],
  ["uint(int): uint", (value) => new Unsigned(value)],
  ["uint(double): uint", (value) => new Unsigned(integerOf(value))],
  ["uint(string): uint", (text) => new Unsigned(parseInteger(text))],
  ["double(double): double", same],
  ["double(int): double", Number],
  ["double(uint): double", ({ value }) => Number(value)],
  ["double(string): double", parseDouble],
  ["string(string): string", same],
  ["string(bool): string", String],
  ["string(int): string", String],
  ["string(uint): string", ({ value }) => String(value)],
  ["string(double): string", doubleText],
  ["string(bytes): string", (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes)],
  ["string(timestamp): string", String],
  ["string(duration): string", String],
  ["bytes(bytes): bytes", same],
  ["bytes(string): bytes", (text) => Buffer.from(text)],
  ["timestamp(timestamp): timestamp", same],
  ["timestamp(string): timestamp", (text) => Timestamp.parse(text)],
  ["timestamp(int): timestamp", (seconds) => new Timestamp(seconds * 1_000_000_000n)],
  ["duration(duration): duration", same],
  ["duration(string): duration", (text) => Duration.parse(text)],
];

export const matches = (text: string, pattern: string): boolean => regex(pattern).matcher(text).find();

export function regex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
}

/** Parts of a time in a zone, "UTC" when none is said. */
function parts(time: Timestamp, zone = "UTC"): Date {
  if (zone === "UTC" || zone === "") return time.date;
  const offset = /^([-+]?)(\d\d):(\d\d)$/.exec(zone);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(time.date.getTime() + (offset[1] === "-" ? -minutes : minutes) * 60_000);
  }
  try {
    return new Date(`${time.date.toLocaleString("sv-SE", { timeZone: zone }).replace(" ", "T")}Z`);
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}

const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);

const times: readonly Declaration[] = Object.entries({
  getFullYear: (date: Date) => date.getUTCFullYear(),
  getMonth: (date: Date) => date.getUTCMonth(),
  getDate: (date: Date) => date.getUTCDate(),
  getDayOfMonth: (date: Date) => date.getUTCDate() - 1,
  getDayOfWeek: (date: Date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date: Date) => date.getUTCHours(),
  getMinutes: (date: Date) => date.getUTCMinutes(),
  getSeconds: (date: Date) => date.getUTCSeconds(),
  getMilliseconds: (date: Date) => date.getUTCMilliseconds(),
}).flatMap(([name, part]): Declaration[] => [
  [`timestamp.${name}(): int`, (time) => BigInt(part(parts(time)))],
  [`timestamp.${name}(string): int`, (time, zone) => BigInt(part(parts(time, zone)))],
]);

const durations: readonly Declaration[] = [
  ["duration.getHours(): int", ({ nanos }) => nanos / 3_600_000_000_000n],
  ["duration.getMinutes(): int", ({ nanos }) => nanos / 60_000_000_000n],
  ["duration.getSeconds(): int", ({ nanos }) => nanos / 1_000_000_000n],
  ["duration.getMilliseconds(): int", ({ nanos }) => nanos / 1_000_000n],
];

function present(value: Optional): CelValue {
  if (value.inner === undefined) throw new CelError("optional.none() dereference");
  return value.inner;
}

const optionals: readonly Declaration[] = [
  ["optional.of(T): optional<T>", (value) => new Optional(value)],
  ["optional.none(): optional<T>", () => none],
  ["optional.ofNonZeroValue(T): optional<T>", (value) => (isZero(value) ? none : new Optional(value))],
  ["optional<T>.hasValue(): bool", ({ inner }) => inner !== undefined],
  ["optional<T>.value(): T", present],
  ["optional<T>.or(optional<T>): optional<T>", (value, other) => (value.inner === undefined ? other : value)],
  ["optional<T>.orValue(T): T", (value, other) => value.inner ?? other],
];

const isZero = (value: CelValue): boolean =>
  value === null ||
  value === false ||
  value === 0 ||
  value === 0n ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0);

/** What every expression of CEL can call. */
export const standard: readonly Declaration[] = [
  ...sizes,
  ...conversions,
  ...times,
  ...durations,
  ...optionals,
  ["string.startsWith(string): bool", (text, prefix) => text.startsWith(prefix)],
  ["string.endsWith(string): bool", (text, suffix) => text.endsWith(suffix)],
  ["string.contains(string): bool", (text, part) => text.includes(part)],
  ["string.matches(string): bool", matches],
  ["matches(string, string): bool", matches],
];
