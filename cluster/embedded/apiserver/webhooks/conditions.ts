import { isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { issuesText, parse } from "../cel/ast.ts";
import { check } from "../cel/check.ts";
import { evaluate } from "../cel/evaluate.ts";
import { type Asked, Question } from "../cel/library/authorizer.ts";
import { type CelType, dyn, listOf, mapOf, scalar, typeText } from "../cel/types.ts";
import { CelError, CelObject, type CelValue } from "../cel/values.ts";

const STEPS = 2_500_000;
const text = scalar("string");

const object = (name: string, fields: Readonly<Record<string, CelType>>): CelType & { readonly kind: "object" } => ({
  kind: "object",
  name,
  fields: new Map(Object.entries(fields)),
});

const kindType = object("kubernetes.GroupVersionKind", { group: text, version: text, kind: text });
const resourceType = object("kubernetes.GroupVersionResource", { group: text, version: text, resource: text });
const requestType = object("kubernetes.AdmissionRequest", {
  kind: kindType,
  resource: resourceType,
  subResource: text,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: text,
  name: text,
  namespace: text,
  operation: text,
  userInfo: object("kubernetes.UserInfo", {
    username: text,
    uid: text,
    groups: listOf(text),
    extra: mapOf(text, listOf(text)),
  }),
  dryRun: scalar("bool"),
  options: dyn,
});
const asker: CelType = { kind: "opaque", name: "kubernetes.authorization.Authorizer" };

/** What conditions of webhooks may name. Source: Kubernetes' documentation of admission webhooks, "matchConditions". */
const variables = new Map<string, CelType>([
  ["object", dyn],
  ["oldObject", dyn],
  ["request", requestType],
  ["authorizer", asker],
]);

/** Why an expression is no condition; undefined if it is one. */
export function conditionProblem(expression: string): string | undefined {
  const parsed = parse(expression);
  if ("issue" in parsed) return `compilation failed: ${issuesText(expression, [parsed.issue])}`;
  const { issues, type } = check(parsed.ast, variables);
  if (issues.length > 0) return `compilation failed: ${issuesText(expression, issues)}`;
  return type.kind === "bool" || type.kind === "dyn" ? undefined : `must evaluate to bool but got ${typeText(type)}`;
}

/** What a condition is asked about: the review's request, and the rights of who made it. */
export interface ConditionInput {
  readonly request: JsonObject;
  readonly isAllowed: (asked: Asked) => boolean;
}

/** Whether all conditions hold; the first that fails, if none is false, is told. */
export function conditionsHold(
  expressions: readonly string[],
  { request, isAllowed }: ConditionInput,
): boolean | { readonly expression: string; readonly why: string } {
  const { object: shown, oldObject, ...rest } = request;
  const values = new Map<string, CelValue>([
    ["object", plain(shown ?? null)],
    ["oldObject", plain(oldObject ?? null)],
    ["request", typed(requestType, rest)],
    ["authorizer", new Question("Authorizer", {}, isAllowed)],
  ]);
  let failed: { readonly expression: string; readonly why: string } | undefined;
  for (const expression of expressions) {
    const parsed = parse(expression);
    if ("issue" in parsed) continue;
    try {
      if (evaluate(parsed.ast, values, { left: STEPS }) !== true) return false;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failed ??= { expression, why: error.message };
    }
  }
  return failed ?? true;
}

/** Any JSON as a value: whole numbers are integers. */
function plain(value: Json): CelValue {
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value))
    return new Map(
      Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, plain(member)] as const])),
    );
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

/** Fields of a known type are there even if they are empty. */
function typed({ fields }: CelType & { readonly kind: "object" }, value: JsonObject): CelObject {
  const members = new Map<string, CelValue>();
  for (const [name, type] of fields) {
    const member = value[name];
    if (type.kind === "object") members.set(name, typed(type, isObject(member) ? member : {}));
    else if (member !== undefined && member !== null) members.set(name, plain(member));
    else if (type.kind === "string") members.set(name, "");
    else if (type.kind === "list") members.set(name, []);
    else if (type.kind === "map") members.set(name, new Map());
    else if (type.kind === "bool") members.set(name, false);
  }
  return new CelObject(members);
}
