import type { ApiObject } from "../machinery/api-object.ts";
import { badRequest } from "./status.ts";

export type Predicate = (object: ApiObject) => boolean;

/** Compiles `a=b,c!=d,e in (f,g),!h,i`. Source: Kubernetes' label selectors. */
export function labelPredicate(selector: string | undefined): Predicate | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  const tests = splitTop(selector).map(labelTest);
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function labelTest(text: string): LabelTest {
  const term = text.trim();
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return operator === "in"
      ? (labels) => labels[key] !== undefined && values.includes(labels[key])
      : (labels) => labels[key] === undefined || !values.includes(labels[key]);
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w./-]*)$/.exec(term);
  if (equality) {
    const [, key = "", operator, value] = equality;
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = /^(!?)\s*([\w./-]+)$/.exec(term);
  if (exists) {
    const [, not, key = ""] = exists;
    return not === "!" ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
  }
  throw badRequest(`unable to parse requirement: ${JSON.stringify(term)}`);
}

/** Commas outside of parentheses. */
function splitTop(selector: string): readonly string[] {
  return selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
}

/** Compiles `metadata.name=x,status.phase!=y`: any field by its path. */
export function fieldPredicate(selector: string | undefined): Predicate | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  const tests = selector.split(",").map((term) => {
    const match = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(term);
    if (match === null) throw badRequest(`invalid field selector: ${JSON.stringify(term)}`);
    const [, path = "", operator, value] = match;
    const parts = path.split(".");
    return (object: ApiObject): boolean => (String(read(object, parts) ?? "") === value) === (operator !== "!=");
  });
  return (object) => tests.every((test) => test(object));
}

function read(value: unknown, parts: readonly string[]): unknown {
  let current = value;
  for (const part of parts) {
    if (current === null || typeof current !== "object") return undefined;
    current = (current as Record<string, unknown>)[part];
  }
  return current;
}

export function both(a: Predicate | undefined, b: Predicate | undefined): Predicate | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : (object) => a(object) && b(object);
}
