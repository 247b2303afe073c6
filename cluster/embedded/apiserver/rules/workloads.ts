import { asArray, asObject, equalJson, isObject, type JsonObject } from "../../machinery/json.ts";
import type { FieldProblem } from "../status.ts";
import { podProblems } from "./pods.ts";
import { forbidden, notNegative, required, unsupported, wrong } from "./problems.ts";

export function workloadProblems(kind: string, spec: JsonObject, old: JsonObject | undefined): readonly FieldProblem[] {
  return [
    ...notNegative("spec.replicas", spec.replicas),
    ...selectorProblems(spec),
    ...alwaysRestarts(spec),
    ...podProblems(asObject(asObject(spec.template).spec), "spec.template.spec"),
    ...(kind === "Deployment" ? strategyProblems(asObject(spec.strategy)) : []),
    ...(old !== undefined && !equalJson(old.selector, spec.selector)
      ? [wrong("spec.selector", spec.selector, "field is immutable")]
      : []),
  ];
}

function selectorProblems({ selector, template }: JsonObject): readonly FieldProblem[] {
  const labels = asObject(asObject(asObject(template).metadata).labels);
  const { matchLabels, matchExpressions } = asObject(selector);
  const wanted = Object.entries(asObject(matchLabels));
  const mismatch = wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  if (selector === undefined) return [required("spec.selector"), mismatch];
  if (wanted.length === 0 && asArray(matchExpressions).length === 0)
    return [wrong("spec.selector", {}, "empty selector is invalid for deployment")];
  return wanted.some(([name, value]) => labels[name] !== value) ? [mismatch] : [];
}

function alwaysRestarts({ template }: JsonObject): readonly FieldProblem[] {
  const policy = asObject(asObject(template).spec).restartPolicy;
  return policy === undefined || policy === "Always"
    ? []
    : [unsupported("spec.template.spec.restartPolicy", policy, ["Always"])];
}

function strategyProblems(strategy: JsonObject): readonly FieldProblem[] {
  const { type = "RollingUpdate", rollingUpdate } = strategy;
  if (type !== "Recreate" && type !== "RollingUpdate") {
    // Kubernetes shows its own structure here.
    const shown = { Type: type, RollingUpdate: rollingUpdate ?? null };
    return [unsupported("spec.strategy", shown, ["Recreate", "RollingUpdate"])];
  }
  if (type === "Recreate")
    return isObject(rollingUpdate)
      ? [forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")]
      : [];
  const { maxSurge, maxUnavailable } = asObject(rollingUpdate);
  const isNothing = (value: unknown): boolean => value === 0 || value === "0%";
  return isNothing(maxSurge) && isNothing(maxUnavailable)
    ? [wrong("spec.strategy.rollingUpdate.maxUnavailable", maxUnavailable, "may not be 0 when `maxSurge` is 0")]
    : [];
}

export function jobProblems(spec: JsonObject): readonly FieldProblem[] {
  const pod = asObject(asObject(spec.template).spec);
  return [
    ...notNegative("spec.parallelism", spec.parallelism),
    ...notNegative("spec.completions", spec.completions),
    ...notNegative("spec.backoffLimit", spec.backoffLimit),
    ...podProblems(pod, "spec.template.spec"),
    ...(pod.restartPolicy === "Always"
      ? [required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')]
      : []),
  ];
}
