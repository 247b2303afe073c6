import type { Node } from "./ast.ts";
import { dottedName } from "./ast.ts";
import type { Declared } from "./declared.ts";
import { type Loop, macroOf } from "./macros.ts";
import type { CelType } from "./types.ts";

/** A range from the least to the most. */
interface Range {
  readonly min: number;
  readonly max: number;
}

/** Beyond it everything is as much as everything else. */
const MAX = 2 ** 64;
const TRAVERSAL = 0.1;
const PATTERN = 0.25;
const CREATE_LIST = 10;
const CREATE_MAP = 30;

const fixed = (value: number): Range => ({ min: value, max: value });
const unknown: Range = { min: 0, max: MAX };
const plus = (...ranges: readonly Range[]): Range => ({
  min: Math.min(
    MAX,
    ranges.reduce((sum, { min }) => sum + min, 0),
  ),
  max: Math.min(
    MAX,
    ranges.reduce((sum, { max }) => sum + max, 0),
  ),
});
const times = (a: Range, b: Range): Range => ({ min: Math.min(MAX, a.min * b.min), max: Math.min(MAX, a.max * b.max) });
const scaled = ({ min, max }: Range, factor: number): Range => ({
  min: Math.min(MAX, Math.ceil(min * factor)),
  max: Math.min(MAX, Math.ceil(max * factor)),
});
const either = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/**
 * The most that an expression can cost in the worst case, in CEL's units; at most 2^64. Source: the cost model of CEL's checker and
 * of Kubernetes' functions, by which API servers refuse rules that could take too long.
 */
export function worstCost(
  node: Node,
  types: ReadonlyMap<Node, CelType>,
  declared: ReadonlyMap<string, Declared>,
): number {
  return new Estimator(types, declared).cost(node, new Map()).max;
}

/** What is known of a node: where it comes from, and how large it is. */
interface Known {
  readonly declared?: Declared | undefined;
  readonly size?: Range | undefined;
  /** Size of what is in it. */
  readonly inner?: Range | undefined;
}

type Scope = ReadonlyMap<string, Known>;

class Estimator {
  readonly #types: ReadonlyMap<Node, CelType>;
  readonly #declared: ReadonlyMap<string, Declared>;
  readonly #known = new Map<Node, Known>();

  constructor(types: ReadonlyMap<Node, CelType>, declared: ReadonlyMap<string, Declared>) {
    this.#types = types;
    this.#declared = declared;
  }

  cost(node: Node, scope: Scope): Range {
    switch (node.op) {
      case "value":
        this.#known.set(node, { size: fixed(literalSize(node.args)) });
        return fixed(0);
      case "id":
        // Names of types are as large as what the expression is about: so it is counted, by all API servers.
        this.#known.set(
          node,
          scope.get(node.args) ?? { declared: this.#declared.get(node.args) ?? this.#declared.get("self") },
        );
        return fixed(1);
      case ".":
        return this.#select(node, scope);
      case ".?":
        return plus(fixed(1), this.cost(node.args[0], scope));
      case "[]":
      case "[?]":
        return this.#index(node, scope);
      case "list":
        return this.#list(node, scope);
      case "map":
        return plus(fixed(CREATE_MAP), ...node.args.flat().map((one) => this.cost(one, scope)));
      case "?:":
        return this.#ternary(node, scope);
      case "&&":
      case "||": {
        const [left, right] = node.args.map((one) => this.cost(one, scope)) as [Range, Range];
        return { min: left.min, max: plus(left, right).max };
      }
      case "!_":
      case "-_":
        return plus(fixed(1), this.cost(node.args, scope));
      case "call":
      case "rcall":
        return this.#call(node, scope);
      default:
        return this.#binary(node, scope);
    }
  }

  size(node: Node): Range {
    const known = this.#known.get(node);
    if (known?.size !== undefined) return known.size;
    if (known?.declared !== undefined) return { min: 0, max: known.declared.most };
    return isScalar(this.#types.get(node)) ? fixed(1) : unknown;
  }

  #inner(node: Node): Range {
    const known = this.#known.get(node);
    if (known?.inner !== undefined) return known.inner;
    const of = known?.declared?.of;
    return of === undefined ? unknown : { min: 0, max: of.most };
  }

  #select(node: Node & { op: "." }, scope: Scope): Range {
    const [left, name] = node.args;
    if (dottedName(node)?.startsWith("google.protobuf.") === true) return fixed(1);
    const cost = this.cost(left, scope);
    const kind = this.#types.get(left)?.kind;
    const of = this.#known.get(left)?.declared;
    const declared = kind === "map" ? of?.of : of?.fields?.get(name)?.declared;
    this.#known.set(node, { declared });
    return kind === "map" || kind === "object" ? plus(cost, fixed(1)) : cost;
  }

  #index(node: Node & { op: "[]" | "[?]" }, scope: Scope): Range {
    const [left, right] = node.args;
    const cost = plus(this.cost(left, scope), this.cost(right, scope), fixed(1));
    const known = this.#known.get(left);
    if (node.op === "[]") this.#known.set(node, { declared: known?.declared?.of, size: known?.inner });
    return cost;
  }

  #list(node: Node & { op: "list" }, scope: Scope): Range {
    const cost = plus(fixed(CREATE_LIST), ...node.args.map((one) => this.cost(one, scope)));
    const inner = node.args.map((one) => this.size(one)).reduce(either, fixed(0));
    this.#known.set(node, { size: fixed(node.args.length), inner });
    return cost;
  }

  #ternary(node: Node & { op: "?:" }, scope: Scope): Range {
    const [condition, yes, no] = node.args;
    const [asked, then, otherwise] = [condition, yes, no].map((one) => this.cost(one, scope)) as [Range, Range, Range];
    this.#known.set(node, {
      size: either(this.size(yes), this.size(no)),
      inner: either(this.#inner(yes), this.#inner(no)),
    });
    return plus(asked, either(then, otherwise));
  }

  #binary(node: Node, scope: Scope): Range {
    const [left, right] = node.args as readonly [Node, Node];
    const args = plus(this.cost(left, scope), this.cost(right, scope));
    const [a, b] = [this.size(left), this.size(right)];
    const kinds = [left, right].map((one) => this.#types.get(one)?.kind);
    const isText = kinds.some((kind) => kind === "string" || kind === "bytes");
    switch (node.op) {
      case "==":
      case "!=":
        return plus(args, traversedLess(a, b));
      case "<":
      case "<=":
      case ">":
      case ">=":
        return plus(args, isText ? traversedLess(a, b) : fixed(1));
      case "in":
        return plus(args, kinds[1] === "list" ? b : fixed(1));
      case "+":
        if (!isText && kinds[0] !== "list") return plus(args, fixed(1));
        this.#known.set(node, { size: plus(a, b), inner: either(this.#inner(left), this.#inner(right)) });
        return plus(args, isText ? scaled(plus(a, b), TRAVERSAL) : fixed(1));
      default:
        return plus(args, fixed(1));
    }
  }

  #call(node: Node & { op: "call" | "rcall" }, scope: Scope): Range {
    const macro = macroOf(node);
    if (macro?.kind === "has") return macro.field.op === "." ? this.cost(macro.field.args[0], scope) : fixed(0);
    if (macro?.kind === "loop") return this.#loop(node, macro.loop, scope);
    if (macro?.kind === "optional") {
      const value = this.cost(macro.value, scope);
      const inner = new Map([...scope, [macro.variable, this.#known.get(macro.value) ?? {}]]);
      return plus(value, value, this.cost(macro.step, inner), fixed(3));
    }
    if (node.op === "call") return this.#function(node, { name: node.args[0], args: node.args[1] }, scope);
    const [name, receiver, args] = node.args;
    if (this.#types.get(receiver) === undefined)
      return this.#function(node, { name: `${dottedName(receiver) ?? ""}.${name}`, args }, scope);
    return this.#function(node, { name, args, receiver }, scope);
  }

  #function(
    node: Node,
    { name, args, receiver }: { readonly name: string; readonly args: readonly Node[]; readonly receiver?: Node },
    scope: Scope,
  ): Range {
    const inputs = plus(
      ...[...(receiver === undefined ? [] : [receiver]), ...args].map((one) => this.cost(one, scope)),
    );
    if (name === "dyn" && args[0] !== undefined) {
      this.#known.set(node, this.#known.get(args[0]) ?? {});
      return plus(inputs, fixed(1));
    }
    const target = receiver ?? args[0];
    const estimate = callEstimate(name, {
      target: target === undefined ? unknown : this.size(target),
      inner: target === undefined ? unknown : this.#inner(target),
      isList: receiver !== undefined && this.#types.get(receiver)?.kind === "list",
      holdsText: this.#holdsText(receiver),
      args: args.map((arg) => this.size(arg)),
      limit: args[1]?.op === "value" && typeof args[1].args === "bigint" ? Number(args[1].args) : undefined,
    });
    if (estimate.size !== undefined) this.#known.set(node, { size: estimate.size });
    return plus(inputs, estimate.cost);
  }

  #holdsText(node: Node | undefined): boolean {
    const type = node === undefined ? undefined : this.#types.get(node);
    return type?.kind === "list" && (type.of.kind === "string" || type.of.kind === "bytes");
  }

  #loop(node: Node, { kind, range, variables, filter, step }: Loop, scope: Scope): Range {
    const rangeCost = this.cost(range, scope);
    const known = this.#known.get(range);
    const inner = new Map(scope);
    const isList = this.#types.get(range)?.kind !== "map";
    const item: Known = { declared: known?.declared?.of, size: known?.inner };
    const [first, second] = variables;
    inner.set(first, second === undefined && isList ? item : isList ? { size: fixed(1) } : {});
    if (second !== undefined) inner.set(second, item);
    const asked = filter === undefined ? fixed(0) : this.cost(filter, inner);
    const each = this.cost(step, inner);
    const { start, loop, end } = loopCost[kind](each, asked);
    if (kind === "map" || kind === "transformList" || kind === "filter" || kind === "sortBy")
      this.#known.set(node, { size: this.size(range), inner: kind === "map" ? this.size(step) : this.#inner(range) });
    else if (kind !== "transformMap") this.#known.set(node, { size: fixed(1) });
    return plus(rangeCost, fixed(start), times(this.size(range), loop), fixed(end));
  }
}

interface LoopCost {
  /** Before and behind the loop. */
  readonly start: number;
  readonly end: number;
  /** Each turn. */
  readonly loop: Range;
}

const collects = (each: Range, asked: Range): LoopCost => ({
  start: CREATE_LIST,
  loop: plus(asked, each, fixed(CREATE_LIST + 2)),
  end: 1,
});

/** What the loops cost that macros stand for. */
const loopCost: Readonly<Record<Loop["kind"], (each: Range, asked: Range) => LoopCost>> = {
  all: (each) => ({ start: 0, loop: plus(each, fixed(3)), end: 1 }),
  exists: (each) => ({ start: 0, loop: plus(each, fixed(4)), end: 1 }),
  existsOne: (each) => ({ start: 0, loop: plus(each, fixed(2)), end: 2 }),
  filter: (each) => ({ start: CREATE_LIST, loop: plus(each, fixed(CREATE_LIST + 3)), end: 1 }),
  map: collects,
  transformList: collects,
  sortBy: collects,
  transformMap: (each, asked) => ({ start: CREATE_MAP, loop: plus(asked, each, fixed(3)), end: 1 }),
};

const isScalar = (type: CelType | undefined): boolean =>
  type?.kind === "optional"
    ? isScalar(type.of)
    : ["bool", "double", "duration", "int", "timestamp", "uint"].includes(type?.kind ?? "");

const literalSize = (value: unknown): number =>
  typeof value === "string" ? [...value].length : value instanceof Uint8Array ? value.length : 1;

/** Two values are compared until the shorter one ends. */
function traversedLess(a: Range, b: Range): Range {
  const max = Math.min(a.max, b.max);
  return scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL);
}

interface CallInput {
  /** Size of the receiver, of the first argument where there is none. */
  readonly target: Range;
  readonly inner: Range;
  readonly isList: boolean;
  readonly holdsText: boolean;
  readonly args: readonly Range[];
  readonly limit: number | undefined;
}

interface Estimate {
  readonly cost: Range;
  readonly size?: Range;
}

const FORMAT_PATTERN = 128;

function callEstimate(name: string, { target, inner, isList, holdsText, args, limit }: CallInput): Estimate {
  const [first = unknown, second = unknown] = args;
  switch (name) {
    case "isSorted":
    case "sum":
    case "max":
    case "min":
    case "indexOf":
    case "lastIndexOf":
      if (!isList) return { cost: scaled(target, TRAVERSAL) };
      return { cost: times(target, holdsText ? plus(fixed(1), scaled(inner, TRAVERSAL)) : fixed(1)) };
    case "url":
    case "lowerAscii":
    case "upperAscii":
    case "substring":
    case "trim":
      return { cost: scaled(target, TRAVERSAL), size: target };
    case "replace":
      return { cost: scaled(target, 2 * TRAVERSAL), size: replaced(target, first, second) };
    case "split":
      return { cost: scaled(target, 2 * TRAVERSAL), size: { min: 0, max: limit ?? target.max } };
    case "join":
      return joinEstimate(target, inner, args[0]);
    case "matches":
      return { cost: patternCost(args.length === 2 ? first : target, args.length === 2 ? second : first) };
    case "find":
    case "findAll":
      return { cost: patternCost(target, first), size: { min: 0, max: target.max } };
    case "contains":
      return { cost: times(scaled(target, TRAVERSAL), scaled(first, TRAVERSAL)) };
    case "startsWith":
    case "endsWith":
      return { cost: scaled(first, TRAVERSAL) };
    case "ip.isCanonical":
      return { cost: scaled(target, 2 * TRAVERSAL) };
    case "cidr":
    case "isIP":
    case "isCIDR":
    case "quantity":
    case "isQuantity":
    case "semver":
    case "isSemver":
      return { cost: scaled(target, TRAVERSAL) };
    case "ip":
      return { cost: args.length === 0 ? fixed(1) : scaled(target, TRAVERSAL) };
    case "containsIP":
      return { cost: scaled({ min: 8, max: 32 }, TRAVERSAL) };
    case "containsCIDR":
      return { cost: plus(scaled({ min: 8, max: 32 }, TRAVERSAL), scaled({ min: 4, max: 16 }, TRAVERSAL), fixed(1)) };
    case "validate":
      return { cost: scaled(scaled(first, TRAVERSAL), FORMAT_PATTERN * PATTERN) };
    case "format":
      return { cost: scaled(target, TRAVERSAL) };
    case "strings.quote":
      return { cost: scaled(target, TRAVERSAL), size: { min: target.min + 2, max: Math.min(MAX, target.max * 2 + 2) } };
    default:
      return { cost: fixed(1) };
  }
}

const patternCost = (text: Range, pattern: Range): Range =>
  times(scaled(plus(text, fixed(1)), TRAVERSAL), scaled(pattern, PATTERN));

function joinEstimate(list: Range, item: Range, separator: Range | undefined): Estimate {
  const between = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
  const size = plus(times(list, item), separator === undefined ? fixed(0) : times(separator, between));
  return { cost: scaled(size, TRAVERSAL), size };
}

/** The longest that a text gets when all that can be replaced is. */
function replaced(text: Range, old: Range, fresh: Range): Range {
  if (old.min === 0) return { min: 0, max: Math.min(MAX, (text.max + 1) * fresh.max + text.max) };
  if (fresh.max <= old.min) return { min: 0, max: text.max };
  return { min: 0, max: Math.min(MAX, Math.ceil(text.max / old.min) * fresh.max) };
}
