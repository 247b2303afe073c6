import { type CelType, parseType, splitTypes } from "./types.ts";
import type { CelValue } from "./values.ts";

/** What a function does; a method gets its receiver first. */
// biome-ignore lint/suspicious/noExplicitAny: the checker has matched the arguments with the signature
export type Handler = (...args: any[]) => CelValue;

/** One signature of a function. */
export interface Overload {
  readonly name: string;
  readonly receiver: CelType | undefined;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly run: Handler;
}

/** `string.contains(string): bool` and what it does. */
export type Declaration = readonly [signature: string, run: Handler];

/** Names before a dot that are no receivers: `sets.contains` is a function. */
const namespaces = new Set(["sets", "optional", "strings", "ip", "format", "lists"]);

export class Functions {
  readonly #byName = new Map<string, Overload[]>();

  constructor(declarations: readonly Declaration[]) {
    for (const [signature, run] of declarations) {
      const overload = { ...parseSignature(signature), run };
      this.#byName.set(overload.name, [...(this.#byName.get(overload.name) ?? []), overload]);
    }
  }

  /** The signatures of a name, those of methods or those of functions. */
  find(name: string, isMethod: boolean): readonly Overload[] {
    return (this.#byName.get(name) ?? []).filter(({ receiver }) => (receiver !== undefined) === isMethod);
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }
}

function parseSignature(signature: string): Omit<Overload, "run"> {
  const found = /^(?:(.+?)\.)?([\w]+)\((.*)\): (.+)$/.exec(signature);
  if (found === null) throw new Error(`no signature: ${signature}`);
  const [, before, name = "", args = "", result = ""] = found;
  const isNamespace = before !== undefined && namespaces.has(before);
  return {
    name: isNamespace ? `${before}.${name}` : name,
    receiver: before === undefined || isNamespace ? undefined : parseType(before),
    args: splitTypes(args).map(parseType),
    result: parseType(result),
  };
}
