import { dottedName, type Node } from "./ast.ts";
import { functions } from "./environment.ts";
import type { Overload } from "./functions.ts";
import { checkedInt } from "./library/standard.ts";
import { type Loop, type Macro, macroOf } from "./macros.ts";
import { operate } from "./operators.ts";
import type { CelType } from "./types.ts";
import {
  CelError,
  CelObject,
  type CelValue,
  compare,
  Duration,
  none,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Unsigned,
} from "./values.ts";

/** How much an evaluation may do; steps are counted down. */
export interface Budget {
  left: number;
}

export const BUDGET_SPENT = "operation cancelled: actual cost limit exceeded";

/** The value of an expression. Fails with CelError. */
export function evaluate(node: Node, variables: ReadonlyMap<string, CelValue>, budget: Budget): CelValue {
  return new Evaluator(budget).run(node, variables);
}

type Scope = ReadonlyMap<string, CelValue>;

class Evaluator {
  readonly #budget: Budget;
  constructor(budget: Budget) {
    this.#budget = budget;
  }

  run(node: Node, scope: Scope): CelValue {
    if (--this.#budget.left < 0) throw new CelError(BUDGET_SPENT);
    switch (node.op) {
      case "value":
        return literal(node.args);
      case "id":
        return this.#identifier(node.args, scope);
      case ".":
      case ".?":
        return this.#select(node, scope);
      case "[]":
      case "[?]":
        return this.#index(node, scope);
      case "list":
        return node.args.map((item) => this.run(item, scope));
      case "map":
        return new Map(node.args.map(([key, value]) => [this.run(key, scope), this.run(value, scope)]));
      case "?:": {
        const [condition, yes, no] = node.args;
        return this.run(truth(this.run(condition, scope)) ? yes : no, scope);
      }
      case "&&":
        return this.#logical(node.args, false, scope);
      case "||":
        return this.#logical(node.args, true, scope);
      case "!_":
        return !truth(this.run(node.args, scope));
      case "-_":
        return negated(this.run(node.args, scope));
      case "call":
      case "rcall":
        return this.#call(node, scope);
      default: {
        const [left, right] = node.args as readonly [Node, Node];
        return this.#operate(node.op, this.run(left, scope), this.run(right, scope));
      }
    }
  }

  #operate(sign: string, a: CelValue, b: CelValue): CelValue {
    this.#budget.left -= (weight(a) + weight(b)) / 10;
    return operate(sign, a, b);
  }

  #identifier(name: string, scope: Scope): CelValue {
    const value = scope.get(name);
    return value === undefined ? new TypeValue(name) : value;
  }

  #select(node: Node & { op: "." | ".?" }, scope: Scope): CelValue {
    const dotted = dottedName(node);
    if (dotted?.startsWith("google.protobuf.") === true) return new TypeValue(dotted);
    const [left, name] = node.args;
    const value = this.run(left, scope);
    const isOptional = value instanceof Optional;
    const inner = isOptional ? value.inner : value;
    const found = inner === undefined ? undefined : member(inner, name);
    if (isOptional || node.op === ".?") return found === undefined ? none : new Optional(found);
    if (found === undefined) throw new CelError(`no such key: ${name}`);
    return found;
  }

  #index(node: Node & { op: "[]" | "[?]" }, scope: Scope): CelValue {
    const [left, right] = node.args;
    const value = this.run(left, scope);
    const key = this.run(right, scope);
    const isOptional = value instanceof Optional;
    const inner = isOptional ? value.inner : value;
    const found = inner === undefined ? undefined : entry(inner, key);
    if (isOptional || node.op === "[?]") return found === undefined ? none : new Optional(found);
    if (found !== undefined) return found;
    throw new CelError(Array.isArray(inner) ? `index out of bounds: ${String(key)}` : `no such key: ${String(key)}`);
  }

  /** One side that decides makes good for a failure of the other. */
  #logical([left, right]: readonly [Node, Node], decisive: boolean, scope: Scope): boolean {
    const first = this.#attempt(left, scope);
    if (first === decisive) return decisive;
    const second = this.#attempt(right, scope);
    if (second === decisive) return decisive;
    if (first instanceof CelError) throw first;
    if (second instanceof CelError) throw second;
    return !decisive;
  }

  #attempt(node: Node, scope: Scope): boolean | CelError {
    try {
      return truth(this.run(node, scope));
    } catch (error) {
      if (error instanceof CelError && error.message !== BUDGET_SPENT) return error;
      throw error;
    }
  }

  #call(node: Node & { op: "call" | "rcall" }, scope: Scope): CelValue {
    const macro = macroOf(node);
    if (macro !== undefined) return this.#macro(macro, scope);
    if (node.op === "call")
      return this.#apply(
        node.args[0],
        false,
        node.args[1].map((arg) => this.run(arg, scope)),
      );
    const [name, receiver, args] = node.args;
    const space = dottedName(receiver);
    const isVariable = receiver.op === "id" && scope.has(receiver.args);
    if (space !== undefined && !isVariable && functions.find(`${space}.${name}`, false).length > 0)
      return this.#apply(
        `${space}.${name}`,
        false,
        args.map((arg) => this.run(arg, scope)),
      );
    return this.#apply(
      name,
      true,
      [receiver, ...args].map((arg) => this.run(arg, scope)),
    );
  }

  #apply(name: string, isMethod: boolean, values: readonly CelValue[]): CelValue {
    this.#budget.left -= values.reduce((sum: number, value) => sum + weight(value), 0) / 10;
    const overload = functions.find(name, isMethod).find((one) => accepts(one, values));
    if (overload === undefined) throw new CelError(`no such overload: ${name}`);
    return overload.run(...values);
  }

  #macro(macro: Macro, scope: Scope): CelValue {
    switch (macro.kind) {
      case "has": {
        if (macro.field.op !== ".") throw new CelError("invalid argument to has() macro");
        const [left, name] = macro.field.args;
        const value = this.run(left, scope);
        const inner = value instanceof Optional ? value.inner : value;
        return inner !== undefined && member(inner, name) !== undefined;
      }
      case "optional": {
        const value = this.run(macro.value, scope);
        if (!(value instanceof Optional)) throw new CelError("no such overload");
        if (value.inner === undefined) return none;
        const result = this.run(macro.step, new Map([...scope, [macro.variable, value.inner]]));
        return macro.flat ? result : new Optional(result);
      }
      case "loop":
        return this.#loop(macro.loop, scope);
    }
  }

  #loop(loop: Loop, scope: Scope): CelValue {
    const range = this.run(loop.range, scope);
    const inner = new Map(scope);
    const entries = entriesOf(range).map(([key, value]) => ({ key, value }));
    const bind = ({ key, value }: Entry): void => {
      const [first, second] = loop.variables;
      inner.set(first, second === undefined && Array.isArray(range) ? value : key);
      if (second !== undefined) inner.set(second, value);
    };
    const keeps = (one: Entry, condition: Node | undefined): boolean => {
      bind(one);
      return condition === undefined || truth(this.run(condition, inner));
    };
    const step = (one: Entry): CelValue => {
      bind(one);
      return this.run(loop.step, inner);
    };
    const first = ({ key, value }: Entry): CelValue => (Array.isArray(range) ? value : key);
    switch (loop.kind) {
      case "all":
        return this.#quantify(entries, bind, { step: loop.step, inner, decisive: false });
      case "exists":
        return this.#quantify(entries, bind, { step: loop.step, inner, decisive: true });
      case "existsOne":
        return entries.filter((one) => keeps(one, loop.step)).length === 1;
      case "filter":
        return entries.filter((one) => keeps(one, loop.step)).map(first);
      case "map":
      case "transformList":
        return entries.filter((one) => keeps(one, loop.filter)).map(step);
      case "transformMap":
        return new Map(entries.filter((one) => keeps(one, loop.filter)).map((one) => [one.key, step(one)]));
      case "sortBy":
        return entries
          .map((one) => ({ by: step(one), value: first(one) }))
          .sort((a, b) => compare(a.by, b.by))
          .map(({ value }) => value);
    }
  }

  #quantify(
    entries: readonly Entry[],
    bind: (one: Entry) => void,
    { step, inner, decisive }: { readonly step: Node; readonly inner: Scope; readonly decisive: boolean },
  ): boolean {
    let failure: CelError | undefined;
    for (const one of entries) {
      bind(one);
      const found = this.#attempt(step, inner);
      if (found === decisive) return decisive;
      if (found instanceof CelError) failure ??= found;
    }
    if (failure !== undefined) throw failure;
    return !decisive;
  }
}

interface Entry {
  readonly key: CelValue;
  readonly value: CelValue;
}

function truth(value: CelValue): boolean {
  if (typeof value === "boolean") return value;
  throw new CelError("no such overload");
}

function negated(value: CelValue): CelValue {
  if (typeof value === "bigint") return checkedInt(-value);
  if (typeof value === "number") return -value;
  throw new CelError("no such overload");
}

/** Long texts and lists cost more than short ones. */
const weight = (value: CelValue): number =>
  typeof value === "string" || Array.isArray(value) || value instanceof Uint8Array ? value.length : 0;

function member(value: CelValue, name: string): CelValue | undefined {
  if (value instanceof CelObject) return value.fields.get(name);
  if (value instanceof Map) return value.get(name);
  throw new CelError("no such overload");
}

function entry(value: CelValue, key: CelValue): CelValue | undefined {
  if (Array.isArray(value)) return typeof key === "bigint" && key >= 0n ? value[Number(key)] : undefined;
  if (value instanceof Map) return value.get(key);
  if (value instanceof CelObject && typeof key === "string") return value.fields.get(key);
  throw new CelError("no such overload");
}

function entriesOf(range: CelValue): readonly (readonly [CelValue, CelValue])[] {
  if (Array.isArray(range)) return range.map((item, index) => [BigInt(index), item] as const);
  if (range instanceof Map) return [...range];
  throw new CelError("no such overload");
}

function literal(value: unknown): CelValue {
  if (value === null || ["boolean", "bigint", "number", "string"].includes(typeof value)) return value as CelValue;
  return value instanceof Uint8Array ? value : new Unsigned(BigInt(String(value)));
}

const accepts = ({ receiver, args }: Overload, values: readonly CelValue[]): boolean => {
  const wanted = receiver === undefined ? args : [receiver, ...args];
  return wanted.length === values.length && wanted.every((type, at) => isOf(type, values[at] ?? null));
};

function isOf(type: CelType, value: CelValue): boolean {
  switch (type.kind) {
    case "dyn":
    case "param":
      return true;
    case "null":
      return value === null;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "uint":
      return value instanceof Unsigned;
    case "bytes":
      return value instanceof Uint8Array;
    case "timestamp":
      return value instanceof Timestamp;
    case "duration":
      return value instanceof Duration;
    case "type":
      return value instanceof TypeValue;
    case "optional":
      return value instanceof Optional;
    case "list":
      return Array.isArray(value) && value.every((item) => isOf(type.of, item));
    case "map":
      return value instanceof Map;
    case "opaque":
      return value instanceof Opaque && value.type === type.name;
    case "object":
      return value instanceof CelObject;
  }
}
