import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";

export type Node = ASTNode;

/** Where and why an expression is none, in the form in which Kubernetes tells it. */
export interface Issue {
  /** Offset in the text. */
  readonly at: number;
  readonly why: string;
}

const parser = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });

/** The syntax tree of an expression, or what is wrong with it. */
export function parse(text: string): { readonly ast: Node } | { readonly issue: Issue } {
  try {
    return { ast: parser.parse(text).ast };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { issue: { at: error.range?.start ?? 0, why: `Syntax error: ${error.summary}` } };
  }
}

/** Issues with the lines that they are in. */
export function issuesText(text: string, issues: readonly Issue[]): string {
  const lines = text.split("\n");
  return issues
    .map(({ at, why }) => {
      const before = text.slice(0, at).split("\n");
      const column = before.at(-1)?.length ?? 0;
      const line = lines[before.length - 1] ?? "";
      return `ERROR: <input>:${before.length}:${column + 1}: ${why}\n | ${line}\n | ${".".repeat(column)}^`;
    })
    .join("\n");
}

/** Where a call opens its arguments: that is where CEL finds fault with it. */
export function callOffset(node: Node): number {
  if (node.op === "rcall") {
    const [name, receiver] = node.args;
    const from = node.input.indexOf(name, receiver.end);
    return node.input.indexOf("(", from + name.length);
  }
  return node.input.indexOf("(", node.start);
}

/** Where an operator stands between its operands. */
export function operatorOffset(node: Node, left: Node, sign: string): number {
  const found = node.input.indexOf(sign, left.end);
  return found === -1 ? node.start : found;
}

/** Where the dot before a field's name stands. */
export const dotOffset = (node: Node, left: Node): number => operatorOffset(node, left, ".");

/** `a.b.c` of a chain of names; undefined for anything else. */
export function dottedName(node: Node): string | undefined {
  if (node.op === "id") return node.args;
  if (node.op !== ".") return undefined;
  const left = dottedName(node.args[0]);
  return left === undefined ? undefined : `${left}.${node.args[1]}`;
}

/** Where CEL says that a node is. */
export function offsetOf(node: Node): number {
  switch (node.op) {
    case "value":
    case "id":
    case "list":
    case "map":
    case "!_":
    case "-_":
      return node.start;
    case "call":
    case "rcall":
      return callOffset(node);
    case ".":
    case ".?":
      return dotOffset(node, node.args[0]);
    case "[]":
    case "[?]":
      return operatorOffset(node, node.args[0], "[");
    case "?:":
      return operatorOffset(node, node.args[0], "?");
    default:
      return operatorOffset(node, (node.args as readonly [Node, Node])[0], node.op);
  }
}
