import type { ApiObject } from "../../machinery/api-object.ts";
import { asObject, equalJson, type JsonObject } from "../../machinery/json.ts";
import { definitionProblems } from "../definitions/definition-check.ts";
import { tooLong } from "../object-meta.ts";
import type { FieldProblem } from "../status.ts";
import { configurationProblems } from "../webhooks/configuration-rules.ts";
import { bindingProblems, ingressProblems, networkPolicyProblems } from "./networking.ts";
import { podProblems } from "./pods.ts";
import { forbidden, wrong } from "./problems.ts";
import { serviceProblems } from "./services.ts";
import { jobProblems, workloadProblems } from "./workloads.ts";

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
      return workloadProblems(object.kind, spec, old === undefined ? undefined : asObject(old.spec));
    case "v1/ConfigMap":
    case "v1/Secret":
      return dataProblems(object, old);
    case "batch/v1/Job":
      return jobProblems(spec);
    case "networking.k8s.io/v1/Ingress":
      return ingressProblems(spec);
    case "networking.k8s.io/v1/NetworkPolicy":
      return networkPolicyProblems(spec);
    case "rbac.authorization.k8s.io/v1/RoleBinding":
    case "rbac.authorization.k8s.io/v1/ClusterRoleBinding":
      return bindingProblems(object);
    case "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration":
    case "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration":
      return configurationProblems(object);
    case "apiextensions.k8s.io/v1/CustomResourceDefinition":
      return definitionProblems(object, old);
    default:
      return [];
  }
}

const CONFIG_KEY =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const MAX_DATA = 1024 * 1024;

/** Bytes of data; those of secrets and of binaryData are written in base64. */
const sizeOf = (data: JsonObject, field: string): number =>
  Object.values(data).reduce<number>(
    (sum, value) => sum + Buffer.byteLength(String(value), field === "binaryData" ? "base64" : "utf8"),
    0,
  );

function dataProblems(object: ApiObject, old: ApiObject | undefined): readonly FieldProblem[] {
  const fields = ["data", "binaryData"];
  const problems = fields.flatMap((field) =>
    Object.keys(asObject(object[field]))
      .filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key) || key.length > 253)
      .map((key) => wrong(`${field}[${key}]`, key, CONFIG_KEY)),
  );
  const size = fields.reduce((sum, field) => sum + sizeOf(asObject(object[field]), field), 0);
  if (size > MAX_DATA) problems.push(tooLong(object.kind === "Secret" ? "data" : "[]", MAX_DATA));
  if (old === undefined) return problems;
  if (object.kind === "Secret" && object.type !== old.type)
    problems.push(wrong("type", object.type, "field is immutable"));
  if (old.immutable !== true) return problems;
  const changed = fields.filter((field) => !equalJson(object[field] ?? {}, old[field] ?? {}));
  if (object.immutable !== true) changed.unshift("immutable");
  return [...problems, ...changed.map((field) => forbidden(field, "field is immutable when `immutable` is set"))];
}
