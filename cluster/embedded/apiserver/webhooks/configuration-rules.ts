import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type Json, type JsonObject } from "../../machinery/json.ts";
import { isSubdomain, LABEL_1035, SUBDOMAIN } from "../object-meta.ts";
import { duplicate, isPort, PORT_RANGE, required, unsupported, wrong } from "../rules/problems.ts";
import type { FieldProblem } from "../status.ts";
import { conditionProblem } from "./conditions.ts";

const REVIEWS = ["v1", "v1beta1"];
const LONGEST = 30;

/** What Kubernetes refuses in configurations of webhooks, in its words. */
export function configurationProblems({ kind, webhooks }: ApiObject): readonly FieldProblem[] {
  const hooks = asArray(webhooks).map(asObject);
  const mutates = kind === "MutatingWebhookConfiguration";
  const names = hooks.map(({ name }) => asString(name));
  return hooks.flatMap((hook, index) => {
    const at = `webhooks[${index}]`;
    const isRepeated = names[index] !== "" && names.indexOf(names[index] ?? "") < index;
    return [
      ...hookProblems(hook, at, mutates),
      ...reviewProblems(asArray(hook.admissionReviewVersions), `${at}.admissionReviewVersions`),
      ...(isRepeated ? [duplicate(`${at}.name`, names[index])] : []),
    ];
  });
}

function* hookProblems(hook: JsonObject, at: string, mutates: boolean): Generator<FieldProblem> {
  const name = asString(hook.name);
  if (name === "") yield required(`${at}.name`);
  else if (!isSubdomain(name)) yield wrong(`${at}.name`, name, SUBDOMAIN);
  else if (name.split(".").length < 3)
    yield wrong(`${at}.name`, name, "should be a domain with at least three segments separated by dots");
  for (const [index, rule] of asArray(hook.rules).entries())
    yield* ruleProblems(asObject(rule), `${at}.rules[${index}]`);
  yield* choice(hook.failurePolicy, `${at}.failurePolicy`, ["Fail", "Ignore"]);
  yield* choice(hook.matchPolicy, `${at}.matchPolicy`, ["Equivalent", "Exact"]);
  if (hook.sideEffects === undefined) yield required(`${at}.sideEffects`, "must specify one of None, NoneOnDryRun");
  else yield* choice(hook.sideEffects, `${at}.sideEffects`, ["None", "NoneOnDryRun"]);
  const seconds = hook.timeoutSeconds;
  if (typeof seconds === "number" && (seconds < 1 || seconds > LONGEST))
    yield wrong(`${at}.timeoutSeconds`, seconds, `the timeout value must be between 1 and ${LONGEST} seconds`);
  for (const selector of ["namespaceSelector", "objectSelector"])
    yield* selectorProblems(asObject(hook[selector]), `${at}.${selector}`);
  if (mutates) yield* choice(hook.reinvocationPolicy, `${at}.reinvocationPolicy`, ["IfNeeded", "Never"]);
  yield* clientProblems(asObject(hook.clientConfig), `${at}.clientConfig`);
  yield* conditionProblems(asArray(hook.matchConditions).map(asObject), `${at}.matchConditions`);
}

function* choice(value: Json | undefined, at: string, supported: readonly string[]): Generator<FieldProblem> {
  if (value !== undefined && !supported.includes(String(value))) yield unsupported(at, value, supported);
}

function* reviewProblems(versions: readonly Json[], at: string): Generator<FieldProblem> {
  if (versions.length === 0) {
    yield required(at, `must specify one of ${REVIEWS.join(", ")}`);
    return;
  }
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) yield wrong(`${at}[${index}]`, version, "duplicate version");
    else if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(String(version))) yield wrong(`${at}[${index}]`, version, LABEL_1035);
  }
  if (!versions.some((version) => REVIEWS.includes(String(version))))
    yield wrong(at, [...versions], `must include at least one of ${REVIEWS.join(", ")}`);
}

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

function* ruleProblems(rule: JsonObject, at: string): Generator<FieldProblem> {
  const operations = asArray(rule.operations);
  if (operations.length === 0) yield required(`${at}.operations`);
  if (operations.length > 1 && operations.includes("*"))
    yield wrong(`${at}.operations`, operations, "if '*' is present, must not specify other operations");
  for (const [index, operation] of operations.entries())
    yield* choice(operation, `${at}.operations[${index}]`, OPERATIONS);
  for (const [name, what] of [
    ["apiGroups", "API groups"],
    ["apiVersions", "API versions"],
  ] as const) {
    const list = asArray(rule[name]);
    if (list.length === 0) yield required(`${at}.${name}`);
    if (list.length > 1 && list.includes("*"))
      yield wrong(`${at}.${name}`, list, `if '*' is present, must not specify other ${what}`);
  }
  yield* resourceProblems(asArray(rule.resources).map(asString), `${at}.resources`);
  yield* choice(rule.scope, `${at}.scope`, ["*", "Cluster", "Namespaced"]);
}

function* resourceProblems(resources: readonly string[], at: string): Generator<FieldProblem> {
  if (resources.length === 0) yield required(at);
  for (const [index, resource] of resources.entries()) {
    if (resource === "") yield required(`${at}[${index}]`);
    const [name = "", sub] = resource.split("/");
    const earlier = resources.slice(0, index);
    const covering = sub === undefined ? undefined : earlier.find((one) => one === `${name}/*` || one === `*/${sub}`);
    if (covering !== undefined)
      yield wrong(`${at}[${index}]`, resource, `if '${covering}' is present, must not specify ${resource}`);
  }
  if (resources.length > 1 && resources.includes("*/*"))
    yield wrong(at, [...resources], "if '*/*' is present, must not specify other resources");
  if (resources.includes("*") && resources.some((one) => one !== "*" && !one.includes("/")))
    yield wrong(at, [...resources], "if '*' is present, must not specify other resources without subresources");
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];

function* selectorProblems({ matchExpressions }: JsonObject, at: string): Generator<FieldProblem> {
  for (const [index, one] of asArray(matchExpressions).entries()) {
    const { operator, values } = asObject(one);
    const here = `${at}.matchExpressions[${index}]`;
    const needsValues = operator === "In" || operator === "NotIn";
    if (!OPERATORS.includes(asString(operator)))
      yield wrong(`${here}.operator`, operator, "not a valid selector operator");
    else if (needsValues && asArray(values).length === 0)
      yield required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    else if (!needsValues && asArray(values).length > 0)
      yield {
        field: `${here}.values`,
        message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        reason: "FieldValueForbidden",
      };
  }
}

const FORM = "; desired format: https://host[/path]";

function* clientProblems({ url, service }: JsonObject, at: string): Generator<FieldProblem> {
  if ((url === undefined) === (service === undefined)) yield required(at, "exactly one of url or service is required");
  else if (url !== undefined) yield* urlProblems(asString(url), `${at}.url`);
  else yield* serviceProblems(asObject(service), `${at}.service`);
}

function* urlProblems(text: string, at: string): Generator<FieldProblem> {
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0];
  if (broken !== undefined) {
    yield required(
      at,
      `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL escape ${JSON.stringify(broken)}${FORM}`,
    );
    return;
  }
  const [, scheme = "", user, host = "", query, fragment] =
    /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/(?:([^/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/i.exec(text) ?? [];
  if (scheme !== "https") yield wrong(at, scheme, `'https' is the only allowed URL scheme${FORM}`);
  if (host === "") yield wrong(at, host, `host must be specified${FORM}`);
  if (user !== undefined) yield wrong(at, user, "user information is not permitted in the URL");
  if (fragment) yield wrong(at, fragment, "fragments are not permitted in the URL");
  if (query) yield wrong(at, query, "query parameters are not permitted in the URL");
}

/** The API server mixes up which of the two is missing; clients know its words. */
function* serviceProblems({ name, namespace, port, path }: JsonObject, at: string): Generator<FieldProblem> {
  if (!namespace) yield required(`${at}.name`);
  if (!name) yield required(`${at}.namespace`);
  if (port !== undefined && !isPort(port)) yield wrong(`${at}.port`, port, `port is not valid: ${PORT_RANGE}`);
  const text = asString(path);
  if (text === "" || text === "/") return;
  if (text === "//") {
    yield wrong(`${at}.path`, text, "segment[0] may not be empty");
    return;
  }
  if (!text.startsWith("/")) yield wrong(`${at}.path`, text, "must start with a '/'");
  for (const [index, step] of text.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (step === "") yield wrong(`${at}.path`, text, `segment[${index}] may not be empty`);
    else if (!isSubdomain(step)) yield wrong(`${at}.path`, text, `segment[${index}]: ${SUBDOMAIN}`);
  }
}

function* conditionProblems(conditions: readonly JsonObject[], at: string): Generator<FieldProblem> {
  const names = conditions.map(({ name }) => asString(name));
  for (const [index, { expression }] of conditions.entries()) {
    const here = `${at}[${index}]`;
    const text = asString(expression).trim();
    const why = text === "" ? undefined : conditionProblem(text);
    if (text === "") yield required(`${here}.expression`);
    if (why !== undefined) yield wrong(`${here}.expression`, text, why);
    const name = names[index] ?? "";
    if (name === "") yield required(`${here}.name`);
    else if (names.indexOf(name) < index) yield duplicate(`${here}.name`, name);
  }
}
