import type { Node } from "./ast.ts";

/** A loop over a list or a map: how its variables are called and what is asked of each item. */
export interface Loop {
  readonly kind: "all" | "exists" | "existsOne" | "filter" | "map" | "transformList" | "transformMap" | "sortBy";
  readonly range: Node;
  /** One: the item or key. Two: the index or key, and the value. */
  readonly variables: readonly [string] | readonly [string, string];
  /** Of map and transform: what is kept. */
  readonly filter: Node | undefined;
  readonly step: Node;
}

export type Macro =
  | { readonly kind: "has"; readonly field: Node }
  | { readonly kind: "loop"; readonly loop: Loop }
  | {
      readonly kind: "optional";
      readonly flat: boolean;
      readonly value: Node;
      readonly variable: string;
      readonly step: Node;
    };

/** A call that CEL expands instead of calling; undefined for other calls. */
export function macroOf(node: Node): Macro | undefined {
  if (node.op === "call") {
    const [name, args] = node.args;
    const [field] = args;
    return name === "has" && args.length === 1 && field !== undefined ? { kind: "has", field } : undefined;
  }
  if (node.op !== "rcall") return undefined;
  const [name, range, args] = node.args;
  if (name === "optMap" || name === "optFlatMap") {
    const [variable, step] = args;
    return args.length === 2 && variable?.op === "id" && step !== undefined
      ? { kind: "optional", flat: name === "optFlatMap", value: range, variable: variable.args, step }
      : undefined;
  }
  const loop = loopOf(name, range, args);
  return loop === undefined ? undefined : { kind: "loop", loop };
}

const kinds: Readonly<Record<string, Loop["kind"]>> = {
  all: "all",
  exists: "exists",
  exists_one: "existsOne",
  existsOne: "existsOne",
  filter: "filter",
  map: "map",
  transformList: "transformList",
  transformMap: "transformMap",
  sortBy: "sortBy",
};

function loopOf(name: string, range: Node, args: readonly Node[]): Loop | undefined {
  const kind = kinds[name];
  if (kind === undefined) return undefined;
  const takesTwo = kind === "transformList" || kind === "transformMap";
  const quantifies = kind === "all" || kind === "exists" || kind === "existsOne";
  const count = takesTwo || (quantifies && args.length === 3) ? 2 : 1;
  const names = args.slice(0, count).map((arg) => (arg.op === "id" ? arg.args : undefined));
  const [first, second] = names;
  const rest = args.slice(count);
  const mayFilter = kind === "map" || takesTwo;
  const step = rest.at(-1);
  if (first === undefined || step === undefined || (count === 2 && second === undefined)) return undefined;
  if (rest.length > (mayFilter ? 2 : 1)) return undefined;
  return {
    kind,
    range,
    variables: second === undefined ? [first] : [first, second],
    filter: rest.length === 2 ? rest[0] : undefined,
    step,
  };
}
