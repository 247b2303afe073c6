import { callOffset, dotOffset, dottedName, type Issue, type Node, offsetOf, operatorOffset } from "./ast.ts";
import { functions, type Variables } from "./environment.ts";
import type { Overload } from "./functions.ts";
import { patternProblem } from "./library/pattern.ts";
import { format } from "./library/strings.ts";
import { type Loop, type Macro, macroOf } from "./macros.ts";
import { binaryResult, operatorName } from "./operators.ts";
import {
  bool,
  type CelType,
  dyn,
  isAssignable,
  joined,
  listOf,
  mapOf,
  optionalOf,
  scalar,
  substitute,
  typeText,
} from "./types.ts";
import { CelError, Duration, Timestamp, Unsigned } from "./values.ts";

/** What the checker found: the type of every node, or what is wrong. */
export interface Checked {
  readonly type: CelType;
  readonly types: ReadonlyMap<Node, CelType>;
  readonly issues: readonly Issue[];
  /** Variables that the expression names. */
  readonly uses: ReadonlySet<string>;
}

/** Checks names, fields and types of an expression without running it. Source: the CEL specification and what Kubernetes validates beyond it. */
export function check(node: Node, variables: Variables): Checked {
  const checker = new Checker(variables);
  const type = checker.check(node, new Map());
  return { type, types: checker.types, issues: checker.issues, uses: checker.uses };
}

type Scope = ReadonlyMap<string, CelType>;

const typeNames = ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];

class Checker {
  readonly types = new Map<Node, CelType>();
  readonly issues: Issue[] = [];
  readonly uses = new Set<string>();
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  check(node: Node, scope: Scope): CelType {
    const type = this.#typeOf(node, scope);
    this.types.set(node, type);
    return type;
  }

  #fail(at: number, why: string): CelType {
    this.issues.push({ at, why });
    return dyn;
  }

  #typeOf(node: Node, scope: Scope): CelType {
    switch (node.op) {
      case "value":
        return literalType(node.args);
      case "id":
        return this.#identifier(node, node.args, scope);
      case ".":
      case ".?":
        return this.#select(node, dotOffset(node, node.args[0]), scope);
      case "[]":
      case "[?]":
        return this.#index(node, scope);
      case "list":
        return listOf(this.#same(node.args, scope));
      case "map":
        return mapOf(
          this.#same(
            node.args.map(([key]) => key),
            scope,
          ),
          this.#same(
            node.args.map(([, value]) => value),
            scope,
          ),
        );
      case "?:":
        return this.#ternary(node, scope);
      case "&&":
      case "||":
        return this.#logical(node, scope);
      case "!_":
      case "-_":
        return this.#unary(node, scope);
      case "call":
      case "rcall":
        return this.#call(node, scope);
      default:
        return this.#binary(node, scope);
    }
  }

  #identifier(node: Node, name: string, scope: Scope): CelType {
    const local = scope.get(name);
    if (local !== undefined) return local;
    const known = this.#variables.get(name);
    if (known !== undefined) {
      this.uses.add(name);
      return known;
    }
    if (typeNames.includes(name)) return scalar("type");
    return this.#fail(node.start, `undeclared reference to '${name}' (in container '')`);
  }

  #select(node: Node & { op: "." | ".?" }, at: number, scope: Scope): CelType {
    const [left, name] = node.args;
    const dotted = dottedName(node);
    if (dotted === "google.protobuf.Timestamp" || dotted === "google.protobuf.Duration") return scalar("type");
    const type = this.check(left, scope);
    const of = type.kind === "optional" ? type.of : type;
    const found = this.#field(of, name, at);
    return node.op === ".?" || type.kind === "optional" ? optionalOf(found) : found;
  }

  #field(type: CelType, name: string, at: number): CelType {
    switch (type.kind) {
      case "dyn":
        return dyn;
      case "map":
        return type.of;
      case "object":
        return type.fields.get(name) ?? this.#fail(at, `undefined field '${name}'`);
      default:
        return this.#fail(at, `type '${typeText(type)}' does not support field selection`);
    }
  }

  #index(node: Node & { op: "[]" | "[?]" }, scope: Scope): CelType {
    const [left, right] = node.args;
    const [type, index] = [this.check(left, scope), this.check(right, scope)];
    const of = type.kind === "optional" ? type.of : type;
    const found = indexed(of, index);
    const wraps = node.op === "[?]" || type.kind === "optional";
    if (found !== undefined) return wraps ? optionalOf(found) : found;
    const sign = node.op === "[?]" ? "_[?_]" : "_[_]";
    return this.#noOverload(operatorOffset(node, left, "["), sign, `(${typeText(type)}, ${typeText(index)})`);
  }

  /** Items of a literal have one type. */
  #same(nodes: readonly Node[], scope: Scope): CelType {
    let common: CelType | undefined;
    for (const node of nodes) {
      const type = this.check(node, scope);
      if (common === undefined) common = type;
      else {
        const both = joined(common, type);
        if (both === undefined)
          this.#fail(offsetOf(node), `expected type '${typeText(common)}' but found '${typeText(type)}'`);
        else common = both;
      }
    }
    return common ?? dyn;
  }

  /** What is formatted may be of many types. */
  #mixed(node: Node, scope: Scope): CelType {
    if (node.op !== "list") return this.check(node, scope);
    for (const item of node.args) this.check(item, scope);
    this.types.set(node, listOf(dyn));
    return listOf(dyn);
  }

  #ternary(node: Node & { op: "?:" }, scope: Scope): CelType {
    const [condition, yes, no] = node.args;
    const types = [condition, yes, no].map((one) => this.check(one, scope)) as [CelType, CelType, CelType];
    const both = isAssignable(bool, types[0], new Map()) ? joined(types[1], types[2]) : undefined;
    if (both !== undefined) return both;
    return this.#noOverload(operatorOffset(node, condition, "?"), "_?_:_", `(${types.map(typeText).join(", ")})`);
  }

  #logical(node: Node & { op: "&&" | "||" }, scope: Scope): CelType {
    const types = node.args.map((one) => this.check(one, scope));
    if (types.every((type) => isAssignable(bool, type, new Map()))) return bool;
    return this.#noOverload(
      operatorOffset(node, node.args[0], node.op),
      `_${node.op}_`,
      `(${types.map(typeText).join(", ")})`,
    );
  }

  #unary(node: Node & { op: "!_" | "-_" }, scope: Scope): CelType {
    const type = this.check(node.args, scope);
    if (type.kind === "dyn") return node.op === "!_" ? bool : dyn;
    const fits = node.op === "!_" ? type.kind === "bool" : type.kind === "int" || type.kind === "double";
    return fits ? type : this.#noOverload(node.start, node.op, `(${typeText(type)})`);
  }

  #binary(node: Node, scope: Scope): CelType {
    const [left, right] = node.args as readonly [Node, Node];
    const [a, b] = [this.check(left, scope), this.check(right, scope)];
    const result = binaryResult(node.op, a, b);
    if (result !== undefined) return result;
    const at = operatorOffset(node, left, node.op);
    return this.#noOverload(at, operatorName(node.op), `(${typeText(a)}, ${typeText(b)})`);
  }

  #noOverload(at: number, name: string, given: string): CelType {
    return this.#fail(at, `found no matching overload for '${name}' applied to '${given}'`);
  }

  #call(node: Node & { op: "call" | "rcall" }, scope: Scope): CelType {
    const macro = macroOf(node);
    if (macro !== undefined) return this.#macro(node, macro, scope);
    if (node.op === "call") {
      const [name, args] = node.args;
      return this.#function(node, { name, args }, scope);
    }
    const [name, receiver, args] = node.args;
    const space = dottedName(receiver);
    const isLocal = receiver.op === "id" && (scope.has(receiver.args) || this.#variables.has(receiver.args));
    if (space !== undefined && !isLocal && functions.find(`${space}.${name}`, false).length > 0)
      return this.#function(node, { name: `${space}.${name}`, args }, scope);
    return this.#method(node, { name, receiver, args }, scope);
  }

  #function(
    node: Node,
    { name, args }: { readonly name: string; readonly args: readonly Node[] },
    scope: Scope,
  ): CelType {
    const overloads = functions.find(name, false);
    const types = args.map((arg) => this.check(arg, scope));
    if (overloads.length === 0)
      return this.#fail(callOffset(node), `undeclared reference to '${name}' (in container '')`);
    const result = resolve(overloads, undefined, types);
    if (result === undefined) return this.#noOverload(callOffset(node), name, `(${types.map(typeText).join(", ")})`);
    this.#literals(name, args);
    return result;
  }

  #method(
    node: Node,
    { name, receiver, args }: { readonly name: string; readonly receiver: Node; readonly args: readonly Node[] },
    scope: Scope,
  ): CelType {
    const type = this.check(receiver, scope);
    const types =
      name === "format" ? args.map((arg) => this.#mixed(arg, scope)) : args.map((arg) => this.check(arg, scope));
    if (!functions.has(name))
      return this.#fail(callOffset(node), `undeclared reference to '${name}' (in container '')`);
    const result = resolve(functions.find(name, true), type, types);
    if (result === undefined)
      return this.#noOverload(callOffset(node), name, `${typeText(type)}.(${types.map(typeText).join(", ")})`);
    this.#literals(name, args, receiver);
    return result;
  }

  /** What literals say can be judged before anything runs: patterns, times, formats. */
  #literals(name: string, args: readonly Node[], receiver?: Node): void {
    const pattern = args.at(-1);
    if (name === "matches" && pattern?.op === "value" && typeof pattern.args === "string") {
      if (patternProblem(pattern.args) !== undefined) this.#fail(pattern.start, "invalid matches argument");
    }
    const [text] = args;
    if ((name === "timestamp" || name === "duration") && text?.op === "value" && typeof text.args === "string") {
      const literal = text.args;
      const parse = name === "timestamp" ? () => Timestamp.parse(literal) : () => Duration.parse(literal);
      if (problemOf(parse) !== undefined) this.#fail(text.start, `invalid ${name} argument`);
    }
    if (name === "format" && receiver?.op === "value" && text?.op === "list") {
      const why = problemOf(() =>
        format(
          String(receiver.args),
          text.args.map((arg) => sample(this.types.get(arg))),
        ),
      );
      if (why !== undefined) this.#fail(offsetOf(text.args[0] ?? text), why);
    }
  }

  #macro(node: Node, macro: Macro, scope: Scope): CelType {
    switch (macro.kind) {
      case "has":
        if (macro.field.op !== ".") return this.#fail(macro.field.start, "invalid argument to has() macro");
        this.types.set(macro.field, this.#select(macro.field, callOffset(node), scope));
        return bool;
      case "optional": {
        const type = this.check(macro.value, scope);
        if (type.kind !== "optional" && type.kind !== "dyn")
          return this.#noOverload(callOffset(node), "optMap", `${typeText(type)}.()`);
        const inner = type.kind === "optional" ? type.of : dyn;
        const step = this.check(macro.step, new Map([...scope, [macro.variable, inner]]));
        return macro.flat ? step : optionalOf(step);
      }
      case "loop":
        return this.#loop(macro.loop, scope);
    }
  }

  #loop({ kind, range, variables, filter, step }: Loop, scope: Scope): CelType {
    const type = this.check(range, scope);
    if (type.kind !== "list" && type.kind !== "map" && type.kind !== "dyn")
      return this.#fail(
        offsetOf(range),
        `expression of type '${typeText(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    const inner = new Map(scope);
    const [first, second] = variables;
    const [key, value] = entryTypes(type);
    inner.set(first, second === undefined && type.kind === "list" ? value : key);
    if (second !== undefined) inner.set(second, value);
    for (const condition of [filter, ...(["all", "exists", "existsOne", "filter"].includes(kind) ? [step] : [])]) {
      if (condition === undefined) continue;
      const found = this.check(condition, inner);
      if (!isAssignable(bool, found, new Map()))
        this.#fail(offsetOf(condition), `expected type 'bool' but found '${typeText(found)}'`);
    }
    switch (kind) {
      case "filter":
        return type.kind === "map" ? listOf(key) : type;
      case "sortBy":
        this.check(step, inner);
        return type;
      case "map":
      case "transformList":
        return listOf(this.check(step, inner));
      case "transformMap":
        return mapOf(key, this.check(step, inner));
      default:
        return bool;
    }
  }
}

const int = scalar("int");

/** Types of a range's keys (or indices) and values. */
function entryTypes(type: CelType): readonly [CelType, CelType] {
  if (type.kind === "list") return [int, type.of];
  return type.kind === "map" ? [type.key, type.of] : [dyn, dyn];
}

function indexed(type: CelType, index: CelType): CelType | undefined {
  if (type.kind === "dyn") return dyn;
  if (type.kind === "list") return isAssignable(int, index, new Map()) ? type.of : undefined;
  if (type.kind === "map") return isAssignable(type.key, index, new Map()) ? type.of : undefined;
  return undefined;
}

/** The type that a call has; dyn when signatures with several results fit, undefined when none fits. */
function resolve(
  overloads: readonly Overload[],
  receiver: CelType | undefined,
  args: readonly CelType[],
): CelType | undefined {
  let result: CelType | undefined;
  for (const overload of overloads) {
    if (overload.args.length !== args.length) continue;
    const bindings = new Map<string, CelType>();
    if (receiver !== undefined && !isAssignable(overload.receiver ?? dyn, receiver, bindings)) continue;
    if (!overload.args.every((wanted, at) => isAssignable(wanted, args[at] ?? dyn, bindings))) continue;
    const found = substitute(overload.result, bindings);
    if (result === undefined) result = found;
    else if (typeText(result) !== typeText(found)) return dyn;
  }
  return result;
}

function literalType(value: unknown): CelType {
  if (value === null) return scalar("null");
  switch (typeof value) {
    case "boolean":
      return bool;
    case "bigint":
      return int;
    case "number":
      return scalar("double");
    case "string":
      return scalar("string");
    default:
      return scalar(value instanceof Uint8Array ? "bytes" : "uint");
  }
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

/** A value of a type, to try a format with. */
function sample(type: CelType | undefined): never {
  const samples: Readonly<Record<string, unknown>> = {
    int: 1n,
    uint: new Unsigned(1n),
    double: 1.5,
    bool: true,
    string: "",
  };
  return (samples[type?.kind ?? ""] ?? null) as never;
}
