import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type JsonObject } from "../../machinery/json.ts";
import type { FieldProblem } from "../status.ts";
import { required, unsupported, wrong } from "./problems.ts";

export function ingressProblems(spec: JsonObject): readonly FieldProblem[] {
  if (asArray(spec.rules).length === 0 && spec.defaultBackend === undefined)
    return [wrong("spec", null, "either `defaultBackend` or `rules` must be specified")];
  return asArray(spec.rules).flatMap((rule, index) =>
    asArray(asObject(asObject(rule).http).paths).flatMap((item, at) => {
      const { path, pathType } = asObject(item);
      const field = `spec.rules[${index}].http.paths[${at}]`;
      if (pathType === undefined) return [required(`${field}.pathType`, "pathType must be specified")];
      const types = ["Exact", "ImplementationSpecific", "Prefix"];
      if (!types.includes(String(pathType))) return [unsupported(`${field}.pathType`, pathType, types)];
      return pathType !== "ImplementationSpecific" && !asString(path).startsWith("/")
        ? [wrong(`${field}.path`, path ?? "", "must be an absolute path")]
        : [];
    }),
  );
}

export const networkPolicyProblems = (spec: JsonObject): readonly FieldProblem[] =>
  asArray(spec.policyTypes).flatMap((type, index) =>
    type === "Ingress" || type === "Egress"
      ? []
      : [unsupported(`spec.policyTypes[${index}]`, type, ["Ingress", "Egress"])],
  );

export function bindingProblems(binding: ApiObject): readonly FieldProblem[] {
  const { kind, name } = asObject(binding.roleRef);
  const kinds = binding.kind === "RoleBinding" ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const problems: FieldProblem[] = [];
  if (!kinds.includes(String(kind))) problems.push(unsupported("roleRef.kind", kind, kinds));
  if (asString(name) === "") problems.push(required("roleRef.name"));
  for (const [index, subject] of asArray(binding.subjects).map(asObject).entries()) {
    const at = `subjects[${index}]`;
    if (asString(subject.name) === "") problems.push(required(`${at}.name`));
    if (!["ServiceAccount", "User", "Group"].includes(String(subject.kind)))
      problems.push(unsupported(`${at}.kind`, subject.kind, ["ServiceAccount", "User", "Group"]));
    else if (subject.kind === "ServiceAccount" && asString(subject.namespace) === "")
      problems.push(required(`${at}.namespace`));
  }
  return problems;
}
