/** Values of CEL: integers are bigints, broken numbers are numbers, maps are Maps. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | readonly CelValue[]
  | ReadonlyMap<CelValue, CelValue>
  | CelObject
  | Unsigned
  | Timestamp
  | Duration
  | Optional
  | TypeValue
  | Opaque;

/** An object with the fields of its schema, by escaped names; what is not there is not in the map. */
export class CelObject {
  readonly fields: ReadonlyMap<string, CelValue>;
  constructor(fields: ReadonlyMap<string, CelValue>) {
    this.fields = fields;
  }
}

export class Unsigned {
  readonly value: bigint;
  constructor(value: bigint) {
    if (value < 0n || value > 2n ** 64n - 1n) throw new CelError("unsigned integer overflow");
    this.value = value;
  }
}

const SECOND = 1_000_000_000n;

export class Timestamp {
  /** Since 1970. */
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
  get date(): Date {
    return new Date(Number(this.nanos / 1_000_000n));
  }
  get seconds(): bigint {
    return this.nanos / SECOND;
  }
  static parse(text: string): Timestamp {
    const found = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[-+]\d\d:\d\d)$/.exec(text);
    const ms = found === null ? Number.NaN : Date.parse(`${found[1]}T${found[2]}${(found[4] ?? "Z").toUpperCase()}`);
    if (Number.isNaN(ms)) throw new CelError(`invalid timestamp ${JSON.stringify(text)}`);
    const fraction = BigInt((found?.[3] ?? ".").slice(1).padEnd(9, "0").slice(0, 9));
    return new Timestamp(BigInt(ms) * 1_000_000n + fraction);
  }
  toString(): string {
    const rest = this.nanos % SECOND;
    const fraction = rest === 0n ? "" : `.${String(rest).padStart(9, "0").replace(/0+$/, "")}`;
    return this.date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
  }
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
  static parse(text: string): Duration {
    const body = /^[-+]?(.*)$/s.exec(text)?.[1] ?? "";
    if (body === "0") return new Duration(0n);
    let total = 0n;
    const rest = body.replace(
      /(\d+)?(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g,
      (whole, integer = "", fraction = "", unit) => {
        if (integer === "" && fraction === "") return whole as string;
        const size = UNITS[unit as string] ?? 0n;
        const part = (fraction as string).slice(0, 15);
        total += BigInt(integer || "0") * size + (BigInt(part || "0") * size) / 10n ** BigInt(part.length);
        return "";
      },
    );
    if (body === "" || rest !== "") throw new CelError(`invalid duration ${JSON.stringify(text)}`);
    return new Duration(text.startsWith("-") ? -total : total);
  }
  toString(): string {
    const [whole, rest] = [this.nanos / SECOND, this.nanos % SECOND];
    const digits = String(rest < 0n ? -rest : rest)
      .padStart(9, "0")
      .replace(/0+$/, "");
    const sign = this.nanos < 0n && whole === 0n ? "-" : "";
    return `${sign}${whole}${digits === "" ? "" : `.${digits}`}s`;
  }
}

export class Optional {
  readonly inner: CelValue | undefined;
  constructor(inner: CelValue | undefined) {
    this.inner = inner;
  }
}
export const none = new Optional(undefined);

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A value of a library: an address, a quantity, a version. `key` is what makes two of a kind equal. */
export abstract class Opaque {
  abstract readonly type: string;
  abstract readonly key: string;
}

/** An expression that has no value; the text is CEL's. */
export class CelError extends Error {
  override readonly name = "CelError";
}

/** Equality of CEL: numbers by value, lists and maps by what is in them. */
export function equal(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  const [x, y] = [numberOf(a), numberOf(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number are equal by value
  if (x !== undefined && y !== undefined) return x == y;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => equal(item, b[at]));
  if (a instanceof Map) return b instanceof Map && equalMaps(a, b);
  if (a instanceof CelObject) return b instanceof CelObject && equalMaps(a.fields, b.fields);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Opaque) return b instanceof Opaque && a.type === b.type && a.key === b.key;
  if (a instanceof Optional && b instanceof Optional)
    return a.inner === undefined || b.inner === undefined ? a.inner === b.inner : equal(a.inner, b.inner);
  return false;
}

function equalMaps(a: ReadonlyMap<CelValue, CelValue>, b: ReadonlyMap<CelValue, CelValue>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, value]) => {
    const other = b.get(key);
    return other !== undefined && equal(value, other);
  });
}

export function numberOf(value: CelValue): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Unsigned ? value.value : undefined;
}

/** Less than 0, 0 or more; fails for values that have no order. */
export function compare(a: CelValue, b: CelValue): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Duration && b instanceof Duration) return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  throw new CelError("no such overload");
}

/** The name of a value's type, as `type()` tells it. */
export function typeName(value: CelValue): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    default:
      break;
  }
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Map) return "map";
  if (value instanceof Unsigned) return "uint";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof TypeValue) return "type";
  if (value instanceof Opaque) return value.type;
  return value instanceof CelObject ? "object" : "list";
}
