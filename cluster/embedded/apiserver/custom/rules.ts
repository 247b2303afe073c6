import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { issuesText, type Node, parse } from "../cel/ast.ts";
import { type Checked, check } from "../cel/check.ts";
import { type Declared, declare, isEmbedded, toCel } from "../cel/declared.ts";
import { BUDGET_SPENT, type Budget, evaluate } from "../cel/evaluate.ts";
import { optionalOf } from "../cel/types.ts";
import { CelError, type CelValue, none, Optional } from "../cel/values.ts";
import { schemaAtPath } from "../definitions/field-path.ts";
import { duplicate, forbidden, required } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";
import { type Correlation, unchanged } from "./correlation.ts";

/** An expression that can be run, or why not. */
export type Compiled = { readonly ast: Node; readonly checked: Checked } | { readonly problem: string };

/** A rule of a schema, x-kubernetes-validations, with its expressions compiled. */
export interface Rule {
  readonly text: string;
  readonly message: string;
  readonly messageText: string;
  readonly reason: string;
  readonly path: string;
  readonly rule: Compiled;
  readonly messageExpression: Compiled | undefined;
  readonly usesOld: boolean;
  readonly optionalOld: boolean;
}

/** Steps of one rule, and of all rules of one object. */
const RULE_BUDGET = 1_000_000;
const OBJECT_BUDGET = 10_000_000;
const LONGEST_MESSAGE = 5 * 1024;

export function compile(text: string, declared: Declared, optionalOld: boolean): Compiled {
  const parsed = parse(text);
  if ("issue" in parsed) return { problem: `compilation failed: ${issuesText(text, [parsed.issue])}` };
  const variables = new Map([
    ["self", declared.type],
    ["oldSelf", optionalOld ? optionalOf(declared.type) : declared.type],
  ]);
  const checked = check(parsed.ast, variables);
  if (checked.issues.length > 0) {
    const sorted = checked.issues.toSorted((a, b) => a.at - b.at);
    return { problem: `compilation failed: ${issuesText(text, sorted)}` };
  }
  return { ast: parsed.ast, checked };
}

/** The rules of one schema; those without an expression are left out. */
export function rulesOf(schema: JsonObject, declared: Declared): readonly Rule[] {
  return asArray(schema["x-kubernetes-validations"])
    .map(asObject)
    .flatMap((one) => {
      const text = String(one.rule ?? "").trim();
      if (text === "") return [];
      const optionalOld = one.optionalOldSelf === true;
      const rule = compiled(String(one.rule), "bool", { declared, optionalOld });
      const messageText = String(one.messageExpression ?? "");
      const path = schemaAtPath(String(one.fieldPath ?? ""), schema);
      return [
        {
          text,
          message: String(one.message ?? "").trim(),
          messageText,
          reason: String(one.reason ?? ""),
          path: "path" in path ? path.path : "",
          rule,
          messageExpression:
            messageText.trim() === "" || "problem" in rule
              ? undefined
              : compiled(messageText, "string", { declared, optionalOld }),
          usesOld: "checked" in rule && rule.checked.uses.has("oldSelf"),
          optionalOld,
        },
      ];
    });
}

function compiled(
  text: string,
  wanted: "bool" | "string",
  { declared, optionalOld }: { readonly declared: Declared; readonly optionalOld: boolean },
): Compiled {
  const result = compile(text, declared, optionalOld);
  const what = wanted === "bool" ? "cel expression" : "messageExpression";
  if ("problem" in result) return wanted === "bool" ? result : { problem: `messageExpression ${result.problem}` };
  return result.checked.type.kind === wanted ? result : { problem: `${what} must evaluate to a ${wanted}` };
}

/** A schema whose rules are compiled, with those of its parts; undefined where there are none. */
export interface Ruled {
  readonly schema: JsonObject;
  readonly declared: Declared;
  readonly rules: readonly Rule[];
  readonly properties: ReadonlyMap<string, Ruled>;
  readonly values: Ruled | undefined;
  readonly items: Ruled | undefined;
}

/** Compiles all rules of a schema. What expressions cannot see has no rules. */
export function compileRules(schema: JsonObject, isResource: boolean): Ruled | undefined {
  if (!hasRules(schema)) return undefined;
  const declared = declare(schema, isResource);
  if (declared === undefined) return undefined;
  const inner = (of: Json | undefined): Ruled | undefined =>
    isObject(of) ? compileRules(of, isEmbedded(of)) : undefined;
  const properties = new Map<string, Ruled>();
  for (const [name, property] of Object.entries(asObject(schema.properties))) {
    const ruled = inner(property);
    if (ruled !== undefined) properties.set(name, ruled);
  }
  return {
    schema,
    declared,
    rules: rulesOf(schema, declared),
    properties,
    values: inner(schema.additionalProperties),
    items: inner(schema.items),
  };
}

function hasRules(schema: JsonObject): boolean {
  if (asArray(schema["x-kubernetes-validations"]).length > 0) return true;
  const parts = [schema.items, schema.additionalProperties, ...Object.values(asObject(schema.properties))];
  return parts.some((part) => isObject(part) && hasRules(part));
}

/** An object under judgement, and what it was. */
export interface Judged {
  readonly path: string;
  readonly value: Json;
  /** Undefined when it is new. */
  readonly old: Correlation | undefined;
}

export interface Verdict {
  readonly problems: readonly FieldProblem[];
  /** Rules that do not hold for what an update left as it was. */
  readonly warnings: readonly FieldProblem[];
}

/** Which rules an object breaks. */
export function brokenRules(ruled: Ruled, judged: Judged): Verdict {
  const judge = new Judge();
  judge.visit(ruled, judged, false);
  return { problems: judge.problems, warnings: judge.warnings };
}

class Judge {
  readonly problems: FieldProblem[] = [];
  readonly warnings: FieldProblem[] = [];
  #left = OBJECT_BUDGET;

  /** `isKept`: stands in something that did not change. */
  visit(ruled: Ruled, { path, value, old }: Judged, isKept: boolean): void {
    if (value === null) return;
    const kept = isKept || (old !== undefined && unchanged(old, value));
    this.#judge(ruled, { path, value, old }, kept);
    const child = (name: string): string => (path === "" ? name : `${path}.${name}`);
    if (Array.isArray(value) && ruled.items !== undefined) {
      for (const [index, item] of value.entries())
        this.visit(ruled.items, { path: `${path}[${index}]`, value: item, old: old?.item(ruled.schema, item) }, kept);
    } else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        const of = ruled.properties.get(name) ?? ruled.values;
        if (of === undefined || member === undefined) continue;
        const at = ruled.properties.has(name) ? child(name) : `${path}[${name}]`;
        this.visit(of, { path: at, value: member, old: old?.member(ruled.schema, name) }, kept);
      }
    }
  }

  #judge({ schema, declared, rules }: Ruled, { path, value, old }: Judged, kept: boolean): void {
    const was = old?.value ?? undefined;
    for (const rule of rules) {
      if ("problem" in rule.rule) continue;
      if (rule.usesOld && (was === undefined || was === null) && !rule.optionalOld) continue;
      const variables = variablesOf(declared, value, { was, optional: rule.optionalOld });
      const found = this.#run(rule, variables);
      if (found === true) continue;
      const problem =
        typeof found === "string"
          ? invalidAt(path, schema.type ?? "", found)
          : this.#broken(rule, { at: join(path, rule.path), schema, value, variables });
      if (!rule.usesOld && kept && typeof found !== "string") this.warnings.push(problem);
      else this.problems.push(problem);
    }
  }

  /** True, false, or why it could not be told. */
  #run({ rule, text, message }: Rule, variables: ReadonlyMap<string, CelValue>): boolean | string {
    if ("problem" in rule) return true;
    try {
      return this.#evaluate(rule.ast, variables) === true;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const shown = message === "" ? text : message;
      if (error.message === BUDGET_SPENT)
        return `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`;
      return error.message.startsWith("no such overload")
        ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
        : `${error.message} evaluating rule: ${shown}`;
    }
  }

  #evaluate(ast: Node, variables: ReadonlyMap<string, CelValue>): CelValue {
    const most = Math.min(RULE_BUDGET, this.#left);
    const budget: Budget = { left: most };
    try {
      return evaluate(ast, variables, budget);
    } finally {
      this.#left -= most - budget.left;
    }
  }

  #broken(
    rule: Rule,
    {
      at,
      schema,
      value,
      variables,
    }: {
      readonly at: string;
      readonly schema: JsonObject;
      readonly value: Json;
      readonly variables: ReadonlyMap<string, CelValue>;
    },
  ): FieldProblem {
    const detail = this.#message(rule, variables) ?? (rule.message === "" ? `failed rule: ${rule.text}` : rule.message);
    const isWhole = schema.type === "object" || schema.type === "array";
    switch (rule.reason) {
      case "FieldValueForbidden":
        return forbidden(at, detail);
      case "FieldValueRequired":
        return required(at, detail);
      case "FieldValueDuplicate":
        return isWhole
          ? { field: at, message: "Duplicate value", reason: "FieldValueDuplicate" }
          : duplicate(at, value);
      default:
        return isWhole
          ? { field: at === "" ? "<nil>" : at, message: `Invalid value: ${detail}` }
          : invalidAt(at, value, detail);
    }
  }

  #message({ messageExpression }: Rule, variables: ReadonlyMap<string, CelValue>): string | undefined {
    if (messageExpression === undefined || "problem" in messageExpression) return undefined;
    try {
      const text = String(this.#evaluate(messageExpression.ast, variables)).trim();
      return text === "" || text.includes("\n") || text.length > LONGEST_MESSAGE ? undefined : text;
    } catch (error) {
      if (error instanceof CelError) return undefined;
      throw error;
    }
  }
}

const join = (path: string, more: string): string =>
  more === "" ? path : path === "" || more.startsWith("[") ? `${path}${more}` : `${path}.${more}`;

const invalidAt = (field: string, value: Json, detail: string): FieldProblem => ({
  field: field === "" ? "<nil>" : field,
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
});

function variablesOf(
  declared: Declared,
  value: Json,
  { was, optional }: { readonly was: Json | undefined; readonly optional: boolean },
): ReadonlyMap<string, CelValue> {
  const variables = new Map<string, CelValue>([["self", toCel(declared, value) ?? null]]);
  const old = was === undefined || was === null ? undefined : toCel(declared, was);
  if (optional) variables.set("oldSelf", old === undefined ? none : new Optional(old));
  else if (old !== undefined) variables.set("oldSelf", old);
  return variables;
}
