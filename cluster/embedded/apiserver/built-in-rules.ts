import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, equalJson, type Json, type JsonObject } from "../machinery/json.ts";
import type { FieldProblem } from "./status.ts";

const required = (field: string, detail = ""): FieldProblem => ({
  field,
  message: `Required value${detail === "" ? "" : `: ${detail}`}`,
  reason: "FieldValueRequired",
});
const wrong = (field: string, value: Json | undefined, detail: string): FieldProblem => ({
  field,
  message: `Invalid value: ${JSON.stringify(value ?? null)}: ${detail}`,
});
const PORT_RANGE = "must be between 1 and 65535, inclusive";
const isPort = (value: Json | undefined): boolean =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;

/** What Kubernetes' validation refuses in the built-in kinds that people write by hand, in its words. */
export function problemsOf(object: ApiObject, old: ApiObject | undefined): readonly FieldProblem[] {
  const spec = asObject(object.spec);
  switch (`${object.apiVersion}/${object.kind}`) {
    case "v1/Pod":
      return podProblems(spec, "spec");
    case "v1/Service":
      return serviceProblems(spec);
    case "apps/v1/Deployment":
    case "apps/v1/ReplicaSet":
    case "apps/v1/DaemonSet":
    case "apps/v1/StatefulSet":
      return workloadProblems(spec, old === undefined ? undefined : asObject(old.spec));
    case "v1/ConfigMap":
    case "v1/Secret":
      return dataProblems(object, old);
    case "batch/v1/Job":
      return podProblems(asObject(asObject(spec.template).spec), "spec.template.spec");
    default:
      return [];
  }
}

const CONFIG_KEY =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function dataProblems(object: ApiObject, old: ApiObject | undefined): FieldProblem[] {
  const problems = ["data", "binaryData"].flatMap((field) =>
    Object.keys(asObject(object[field]))
      .filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key) || key.length > 253)
      .map((key) => wrong(`${field}[${key}]`, key, CONFIG_KEY)),
  );
  if (old === undefined) return problems;
  if (object.kind === "Secret" && object.type !== old.type)
    problems.push(wrong("type", object.type, "field is immutable"));
  if (old.immutable !== true) return problems;
  const forbidden = (field: string): FieldProblem => ({
    field,
    message: "Forbidden: field is immutable when `immutable` is set",
    reason: "FieldValueForbidden",
  });
  if (object.immutable !== true) problems.push(forbidden("immutable"));
  for (const field of ["data", "binaryData"])
    if (!equalJson(object[field] ?? {}, old[field] ?? {})) problems.push(forbidden(field));
  return problems;
}

function workloadProblems(spec: JsonObject, old: JsonObject | undefined): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const template = asObject(spec.template);
  const labels = asObject(asObject(template.metadata).labels);
  const selector = asObject(spec.selector);
  const wanted = Object.entries(asObject(selector.matchLabels));
  if (wanted.length === 0 && asArray(selector.matchExpressions).length === 0) problems.push(required("spec.selector"));
  else if (wanted.some(([name, value]) => labels[name] !== value)) {
    problems.push(wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  }
  if (typeof spec.replicas === "number" && spec.replicas < 0) {
    problems.push(wrong("spec.replicas", spec.replicas, "must be greater than or equal to 0"));
  }
  problems.push(...podProblems(asObject(template.spec), "spec.template.spec"));
  if (old !== undefined && !equalJson(old.selector, spec.selector)) {
    problems.push(wrong("spec.selector", spec.selector, "field is immutable"));
  }
  return problems;
}

function podProblems(spec: JsonObject, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const names = new Set<string>();
  if (asArray(spec.containers).length === 0) problems.push(required(`${path}.containers`));
  for (const list of ["initContainers", "containers"]) {
    for (const [index, item] of asArray(spec[list]).entries()) {
      problems.push(...containerProblems(asObject(item), `${path}.${list}[${index}]`, names));
    }
  }
  const volumes = new Set(asArray(spec.volumes).map((volume) => asString(asObject(volume).name)));
  for (const list of ["initContainers", "containers"]) {
    for (const [index, item] of asArray(spec[list]).entries()) {
      for (const [at, mount] of asArray(asObject(item).volumeMounts).entries()) {
        const name = asString(asObject(mount).name);
        if (volumes.has(name)) continue;
        const field = `${path}.${list}[${index}].volumeMounts[${at}].name`;
        problems.push({ field, message: `Not found: ${JSON.stringify(name)}`, reason: "FieldValueNotFound" });
      }
    }
  }
  return problems;
}

function containerProblems(container: JsonObject, path: string, names: Set<string>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const name = asString(container.name);
  if (name === "") problems.push(required(`${path}.name`));
  else if (names.has(name)) {
    problems.push({
      field: `${path}.name`,
      message: `Duplicate value: ${JSON.stringify(name)}`,
      reason: "FieldValueDuplicate",
    });
  } else if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    problems.push(
      wrong(
        `${path}.name`,
        name,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      ),
    );
  }
  names.add(name);
  if (asString(container.image) === "") problems.push(required(`${path}.image`));
  for (const [index, item] of asArray(container.ports).entries()) {
    const { containerPort } = asObject(item);
    if (containerPort === undefined) problems.push(required(`${path}.ports[${index}].containerPort`));
    else if (!isPort(containerPort))
      problems.push(wrong(`${path}.ports[${index}].containerPort`, containerPort, PORT_RANGE));
  }
  return problems;
}

function serviceProblems(spec: JsonObject): FieldProblem[] {
  const ports = asArray(spec.ports).map(asObject);
  const problems: FieldProblem[] = [];
  if (spec.type === "ExternalName") {
    if (asString(spec.externalName) === "") problems.push(required("spec.externalName"));
  } else if (ports.length === 0 && spec.clusterIP !== "None") problems.push(required("spec.ports"));
  const names = new Set<string>();
  for (const [index, { name, port }] of ports.entries()) {
    if (!isPort(port)) problems.push(wrong(`spec.ports[${index}].port`, port ?? 0, PORT_RANGE));
    const text = asString(name);
    if (text === "" && ports.length > 1) problems.push(required(`spec.ports[${index}].name`));
    else if (text !== "" && names.has(text)) {
      problems.push({
        field: `spec.ports[${index}].name`,
        message: `Duplicate value: ${JSON.stringify(text)}`,
        reason: "FieldValueDuplicate",
      });
    }
    names.add(text);
  }
  return problems;
}
