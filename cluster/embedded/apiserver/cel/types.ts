/** Types of expressions in CEL, as its checker knows them. */
export type CelType =
  | { readonly kind: Scalar }
  | { readonly kind: "list"; readonly of: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly of: CelType }
  | { readonly kind: "optional"; readonly of: CelType }
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "opaque"; readonly name: string }
  | { readonly kind: "object"; readonly name: string; readonly fields: ReadonlyMap<string, CelType> };

type Scalar =
  | "dyn"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "type";

const scalars: ReadonlySet<string> = new Set<Scalar>([
  "dyn",
  "null",
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "timestamp",
  "duration",
  "type",
]);

export const scalar = (kind: Scalar): CelType => ({ kind });
export const dyn = scalar("dyn");
export const bool = scalar("bool");
export const listOf = (of: CelType): CelType => ({ kind: "list", of });
export const mapOf = (key: CelType, of: CelType): CelType => ({ kind: "map", key, of });
export const optionalOf = (of: CelType): CelType => ({ kind: "optional", of });

/** As error messages write it: `list(string)`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${typeText(type.of)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.of)})`;
    case "optional":
      return `optional_type(${typeText(type.of)})`;
    case "param":
    case "opaque":
    case "object":
      return type.name;
    default:
      return type.kind;
  }
}

/** Reads `list<T>`, `map<K, V>`, `optional<T>`; a single capital is a parameter, other names are types of libraries. */
export function parseType(text: string): CelType {
  const generic = /^(list|map|optional)<(.+)>$/.exec(text.trim());
  if (generic !== null) {
    const parts = splitTypes(generic[2] ?? "").map(parseType);
    const [first = dyn, second = dyn] = parts;
    if (generic[1] === "list") return listOf(first);
    return generic[1] === "map" ? mapOf(first, second) : optionalOf(first);
  }
  const name = text.trim();
  if (/^[A-Z]$/.test(name)) return { kind: "param", name };
  return scalars.has(name) ? scalar(name as Scalar) : { kind: "opaque", name };
}

/** Splits at commas that stand in no angle brackets. */
export function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let [depth, current] = [0, ""];
  for (const sign of text) {
    if (sign === "<") depth++;
    if (sign === ">") depth--;
    if (sign === "," && depth === 0) {
      parts.push(current);
      current = "";
    } else current += sign;
  }
  return current.trim() === "" ? parts : [...parts, current];
}

export type Bindings = Map<string, CelType>;

/** Whether a value of the type can stand where another is wanted; binds the parameters of what is wanted. */
export function isAssignable(wanted: CelType, actual: CelType, bindings: Bindings): boolean {
  if (wanted.kind === "param") {
    const bound = bindings.get(wanted.name);
    if (bound !== undefined && bound.kind !== "dyn") return isAssignable(bound, actual, bindings);
    if (bound === undefined) bindings.set(wanted.name, actual);
    return true;
  }
  if (wanted.kind === "dyn" || actual.kind === "dyn") {
    bindAsDyn(wanted, bindings);
    return true;
  }
  if (actual.kind === "null")
    return ["null", "object", "opaque", "timestamp", "duration", "optional"].includes(wanted.kind);
  if (wanted.kind === "null") return isAssignable(actual, wanted, bindings);
  switch (wanted.kind) {
    case "list":
      return actual.kind === "list" && isAssignable(wanted.of, actual.of, bindings);
    case "optional":
      return actual.kind === "optional" && isAssignable(wanted.of, actual.of, bindings);
    case "map":
      return (
        actual.kind === "map" &&
        isAssignable(wanted.key, actual.key, bindings) &&
        isAssignable(wanted.of, actual.of, bindings)
      );
    case "opaque":
    case "object":
      return actual.kind === wanted.kind && actual.name === wanted.name;
    default:
      return actual.kind === wanted.kind;
  }
}

function bindAsDyn(type: CelType, bindings: Bindings): void {
  if (type.kind === "param" && !bindings.has(type.name)) bindings.set(type.name, dyn);
  if (type.kind === "list" || type.kind === "optional" || type.kind === "map") bindAsDyn(type.of, bindings);
  if (type.kind === "map") bindAsDyn(type.key, bindings);
}

/** The type with its parameters put in. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bindings.get(type.name) ?? dyn;
    case "list":
      return listOf(substitute(type.of, bindings));
    case "optional":
      return optionalOf(substitute(type.of, bindings));
    case "map":
      return mapOf(substitute(type.key, bindings), substitute(type.of, bindings));
    default:
      return type;
  }
}

/** What both types can stand for; undefined if they have nothing in common. */
export function joined(a: CelType, b: CelType): CelType | undefined {
  if (isAssignable(a, b, new Map())) return a.kind === "null" ? b : a;
  return isAssignable(b, a, new Map()) ? b : undefined;
}
