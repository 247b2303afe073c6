import type { Problem } from "../problem.ts";

/** What became of reading an object: its value, with what deserves a warning, or why it cannot be used. */
export type Parsed<T> =
  | { readonly value: T; readonly problems: readonly Problem[] }
  | { readonly value: undefined; readonly problems: readonly Problem[] };

/** A value inside an object with the path that leads to it; every problem is reported at its path. */
export class Field {
  readonly value: unknown;
  readonly path: string;
  readonly #problems: Problem[];

  constructor(value: unknown, path: string, problems: Problem[]) {
    this.value = value;
    this.path = path;
    this.#problems = problems;
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** A field of an object; not present if there is none. */
  at(name: string): Field {
    const value = isRecord(this.value) ? this.value[name] : undefined;
    const step = /^[\w-]+$/.test(name) ? `.${name}` : `[${name}]`;
    return new Field(value, this.path === "" ? name : this.path + step, this.#problems);
  }

  has(name: string): boolean {
    return this.at(name).present;
  }

  /** Names of the given fields that are present. */
  presentOf(...names: readonly string[]): readonly string[] {
    return names.filter((name) => this.has(name));
  }

  items(): readonly Field[] {
    if (!this.present) return [];
    if (!Array.isArray(this.value)) {
      this.error("must be a list");
      return [];
    }
    return this.value.map((value, index) => new Field(value, `${this.path}[${index}]`, this.#problems));
  }

  /** Entries of a map. */
  entries(): readonly (readonly [string, Field])[] {
    if (!this.present) return [];
    if (!isRecord(this.value)) {
      this.error("must be a map");
      return [];
    }
    return Object.keys(this.value).map((key) => [key, this.at(key)]);
  }

  /** Undefined if it is not present; anything but a string is a problem. */
  text(): string | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === "string") return this.value;
    this.error("must be a string");
    return undefined;
  }

  /** Undefined if it is not present; anything but a number is a problem. */
  number(): number | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === "number" && Number.isFinite(this.value)) return this.value;
    this.error("must be a number");
    return undefined;
  }

  texts(): readonly string[] {
    return this.items().flatMap((item) => item.text() ?? []);
  }

  error(message: string): void {
    this.#problems.push({ severity: "error", code: "MANIFEST_SCHEMA", message, field: this.path });
  }

  /** `code` is an analyzer code. */
  warn(message: string, code = "IST0133"): void {
    this.#problems.push({ severity: "warning", code, message, field: this.path });
  }

  require(): boolean {
    if (this.present && this.value !== "") return true;
    this.error("is required");
    return false;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Runs the checks of a kind over an object. Of an object with errors there is no value. */
export function parseWith<T>(object: object, check: (spec: Field, object: Field) => void): Parsed<T> {
  const problems: Problem[] = [];
  const root = new Field(object, "", problems);
  check(root.at("spec"), root);
  const isUsable = !problems.some(({ severity }) => severity === "error");
  return isUsable ? { value: object as T, problems } : { value: undefined, problems };
}

/** Reports every value that stands twice in a list of names. */
export function checkUnique(fields: readonly Field[], what: string): void {
  const seen = new Set<unknown>();
  for (const field of fields) {
    if (!field.present) continue;
    if (seen.has(field.value)) field.error(`${what} "${String(field.value)}" stands here twice`);
    seen.add(field.value);
  }
}
