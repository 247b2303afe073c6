import { checkedInt } from "./library/standard.ts";
import { bool, type CelType, dyn, isAssignable, joined, scalar } from "./types.ts";
import { CelError, CelObject, type CelValue, compare, Duration, equal, Timestamp, Unsigned } from "./values.ts";

/** As error messages write it: `_+_`. */
export const operatorName = (sign: string): string => (sign === "in" ? "@in" : `_${sign}_`);

const numbers = new Set(["int", "uint", "double"]);
const ordered = new Set(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"]);

/** The type of `a sign b`; undefined if there is no such operation. */
export function binaryResult(sign: string, a: CelType, b: CelType): CelType | undefined {
  switch (sign) {
    case "==":
    case "!=":
      return joined(a, b) === undefined ? undefined : bool;
    case "<":
    case "<=":
    case ">":
    case ">=":
      if (a.kind === "dyn" || b.kind === "dyn") return bool;
      if (numbers.has(a.kind) && numbers.has(b.kind)) return bool;
      return a.kind === b.kind && ordered.has(a.kind) ? bool : undefined;
    case "in":
      return isMember(a, b) ? bool : undefined;
    default:
      return arithmetic(sign, a, b);
  }
}

function isMember(item: CelType, container: CelType): boolean {
  if (container.kind === "dyn") return true;
  if (container.kind === "list") return joined(container.of, item) !== undefined;
  return container.kind === "map" && isAssignable(container.key, item, new Map());
}

function arithmetic(sign: string, a: CelType, b: CelType): CelType | undefined {
  if (a.kind === "dyn" || b.kind === "dyn")
    return a.kind === "dyn" && b.kind === "dyn" ? dyn : a.kind === "dyn" ? b : a;
  const kinds = `${a.kind} ${sign} ${b.kind}`;
  if (a.kind === b.kind) {
    if (numbers.has(a.kind)) return sign === "%" && a.kind === "double" ? undefined : a;
    if (sign === "+" && (a.kind === "string" || a.kind === "bytes")) return a;
    if (sign === "+" && a.kind === "list") return joined(a, b);
  }
  switch (kinds) {
    case "timestamp + duration":
    case "duration + timestamp":
    case "timestamp - duration":
      return scalar("timestamp");
    case "duration + duration":
    case "duration - duration":
    case "timestamp - timestamp":
      return scalar("duration");
    default:
      return undefined;
  }
}

const noOverload = (): CelError => new CelError("no such overload");

/** The value of `a sign b`. */
export function operate(sign: string, a: CelValue, b: CelValue): CelValue {
  switch (sign) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "<":
      return compare(a, b) < 0;
    case "<=":
      return compare(a, b) <= 0;
    case ">":
      return compare(a, b) > 0;
    case ">=":
      return compare(a, b) >= 0;
    case "in":
      return contains(b, a);
    default:
      return compute(sign, a, b);
  }
}

function contains(container: CelValue, item: CelValue): boolean {
  if (Array.isArray(container)) return container.some((one) => equal(one, item));
  if (container instanceof Map) return container.has(item);
  if (container instanceof CelObject && typeof item === "string") return container.fields.has(item);
  throw noOverload();
}

function compute(sign: string, a: CelValue, b: CelValue): CelValue {
  if (typeof a === "bigint" && typeof b === "bigint") return checkedInt(integers(sign, a, b));
  if (typeof a === "number" && typeof b === "number") return doubles(sign, a, b);
  if (a instanceof Unsigned && b instanceof Unsigned) return new Unsigned(integers(sign, a.value, b.value));
  if (sign === "+" && typeof a === "string" && typeof b === "string") return a + b;
  if (sign === "+" && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (sign === "+" && a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.concat([a, b]);
  return moments(sign, a, b);
}

function integers(sign: string, a: bigint, b: bigint): bigint {
  switch (sign) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      if (b === 0n) throw new CelError("division by zero");
      return a / b;
    default:
      if (b === 0n) throw new CelError("modulus by zero");
      return a % b;
  }
}

function doubles(sign: string, a: number, b: number): number {
  switch (sign) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    default:
      throw noOverload();
  }
}

function moments(sign: string, a: CelValue, b: CelValue): CelValue {
  const factor = sign === "+" ? 1n : -1n;
  if (sign !== "+" && sign !== "-") throw noOverload();
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.nanos + factor * b.nanos);
  if (a instanceof Duration && b instanceof Timestamp && sign === "+") return new Timestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.nanos + factor * b.nanos);
  if (a instanceof Timestamp && b instanceof Timestamp && sign === "-") return new Duration(a.nanos - b.nanos);
  throw noOverload();
}
