import { asArray, asObject, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { worstCost } from "../cel/cost.ts";
import { type Declared, declare, isEmbedded, MAX_REQUEST } from "../cel/declared.ts";
import { type Compiled, rulesOf } from "../custom/rules.ts";
import { forbidden, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";

/** The most that one rule, and all rules of a definition, may cost in the worst case. Source: Kubernetes' documentation of validation rules, "Resource use". */
const RULE_LIMIT = 10_000_000;
const DEFINITION_LIMIT = 100_000_000;
const TOLD = 4;
const MAX = 2 ** 64;

/** Where a schema stands, for its rules. */
interface Place {
  readonly path: string;
  readonly isResource: boolean;
  /** How often values of it can be in one object; undefined when nothing limits it. */
  readonly times: number | undefined;
  /** The list within which old and new values cannot be told apart. */
  readonly uncorrelated: string | undefined;
}

interface Total {
  cost: number;
  readonly costly: { readonly path: string; readonly cost: number }[];
}

/** What is wrong with the rules of a schema that is otherwise right: names and types, costs, old values that cannot be found. */
export function ruleProblems(schema: JsonObject, path: string): readonly FieldProblem[] {
  const total: Total = { cost: 0, costly: [] };
  const problems = [...visit(schema, { path, isResource: true, times: 1, uncorrelated: undefined }, total)];
  if (total.cost <= DEFINITION_LIMIT) return problems;
  const most = total.costly.toSorted((a, b) => b.cost - a.cost).slice(0, TOLD);
  const why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
  const whole = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
  return [
    ...problems,
    ...most.map((one) => forbidden(one.path, why)),
    forbidden(path, tooCostly(whole, total.cost, DEFINITION_LIMIT)),
  ];
}

function* visit(schema: JsonObject, place: Place, total: Total): Generator<FieldProblem> {
  const { path, uncorrelated } = place;
  const times = multiplied(place.times, mostOf(schema));
  for (const [name, property] of Object.entries(asObject(schema.properties))) {
    const of = asObject(property);
    yield* visit(of, { path: `${path}.properties[${name}]`, isResource: isEmbedded(of), times, uncorrelated }, total);
  }
  const { additionalProperties, items } = schema;
  if (isObject(additionalProperties)) {
    const isResource = isEmbedded(additionalProperties);
    const at = `${path}.additionalProperties`;
    yield* visit(additionalProperties, { path: at, isResource, times, uncorrelated }, total);
  }
  if (isObject(items)) {
    const within = schema["x-kubernetes-list-type"] === "map" ? uncorrelated : (uncorrelated ?? path);
    const inner = { path: `${path}.items`, isResource: isEmbedded(items), times, uncorrelated: within };
    yield* visit(items, inner, total);
  }
  if (asArray(schema["x-kubernetes-validations"]).length > 0) yield* rulesProblems(schema, place, total);
}

const multiplied = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.min(MAX, a * b);

/** How many values of the schemas within can be in one of this schema. */
function mostOf({ type, additionalProperties, maxProperties, maxItems }: JsonObject): number | undefined {
  const limit = (value: Json | undefined): number | undefined =>
    typeof value === "number" ? Math.max(0, value) : undefined;
  if (type === "array") return limit(maxItems);
  return type === "object" && additionalProperties !== undefined ? limit(maxProperties) : 1;
}

function* rulesProblems(schema: JsonObject, place: Place, total: Total): Generator<FieldProblem> {
  const declared = declare(schema, place.isResource);
  const at = `${place.path}.x-kubernetes-validations`;
  if (declared === undefined) {
    const why =
      "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
    yield { field: at, message: `Internal error: ${why}`, reason: "InternalError" };
    return;
  }
  const written = asArray(schema["x-kubernetes-validations"]).map(asObject);
  for (const [index, rule] of rulesOf(schema, declared).entries()) {
    const shown = asWritten(written[index] ?? {});
    const here = `${at}[${index}]`;
    yield* costs(rule.rule, `${here}.rule`, { what: "rule", declared, place, total });
    if ("problem" in rule.rule) yield wrong(`${here}.rule`, shown, rule.rule.problem);
    if (rule.messageExpression !== undefined && "problem" in rule.messageExpression)
      yield wrong(`${here}.messageExpression`, shown, rule.messageExpression.problem);
    else if (rule.messageExpression !== undefined)
      yield* costs(rule.messageExpression, `${here}.messageExpression`, {
        what: "messageExpression",
        declared,
        place: { ...place, times: 1 },
        total,
      });
    if (rule.usesOld && place.uncorrelated !== undefined)
      yield wrong(
        `${here}.rule`,
        written[index]?.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelated}`,
      );
    const optional = written[index]?.optionalOldSelf;
    if (!rule.usesOld && optional !== undefined && optional !== null)
      yield wrong(`${here}.optionalOldSelf`, optional, "may not be set if oldSelf is not used in rule");
  }
}

/** As the API server's own words show a rule. */
const asWritten = (rule: JsonObject): JsonObject => ({
  Rule: rule.rule ?? "",
  Message: rule.message ?? "",
  MessageExpression: rule.messageExpression ?? "",
  Reason: rule.reason ?? null,
  FieldPath: rule.fieldPath ?? "",
  OptionalOldSelf: rule.optionalOldSelf ?? null,
});

interface Counted {
  readonly what: "rule" | "messageExpression";
  readonly declared: Declared;
  readonly place: Place;
  readonly total: Total;
}

function* costs(compiled: Compiled, path: string, { what, declared, place, total }: Counted): Generator<FieldProblem> {
  if ("problem" in compiled) return;
  const variables = new Map([
    ["self", declared],
    ["oldSelf", declared],
  ]);
  const once = worstCost(compiled.ast, compiled.checked.types, variables);
  const times = place.times ?? Math.floor(MAX_REQUEST / (declared.least + 1));
  const cost = Math.min(MAX, once * times);
  if (cost > RULE_LIMIT) yield forbidden(path, tooCostly(`estimated ${what} cost`, cost, RULE_LIMIT));
  total.cost = Math.min(MAX, total.cost + cost);
  if (cost >= DEFINITION_LIMIT / 100) total.costly.push({ path, cost });
}

function tooCostly(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100x" : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
