import type { INode } from "kubernetes-models/v1/Node";
import type { INodeSelectorTerm } from "kubernetes-models/v1/NodeSelectorTerm";
import type { IPodSpec } from "kubernetes-models/v1/PodSpec";
import type { ITaint } from "kubernetes-models/v1/Taint";
import type { KubeObject } from "#api/kinds/object.ts";

/** Whether a pod may run on a node: selector, required affinity, taints, cordon. Pods of DaemonSets ignore the cordon. */
export function fitsNode(
  spec: Partial<IPodSpec>,
  node: INode & KubeObject,
  { daemon = false }: { readonly daemon?: boolean } = {},
): boolean {
  return whyNot(spec, node, { daemon }) === undefined;
}

/** The reason in the scheduler's words; undefined if it fits. */
export function whyNot(
  spec: Partial<IPodSpec>,
  node: INode & KubeObject,
  { daemon = false }: { readonly daemon?: boolean } = {},
): string | undefined {
  if (node.spec?.unschedulable && !daemon) return "node(s) were unschedulable";
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([name, value]) => labels[name] === value);
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!selected || (terms !== undefined && !terms.some((term) => matchesTerm(term, node))))
    return "node(s) didn't match Pod's node affinity/selector";
  const taint = node.spec?.taints?.find(
    (candidate) => candidate.effect !== "PreferNoSchedule" && !tolerates(spec, candidate),
  );
  return taint === undefined ? undefined : `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
}

function matchesTerm(
  { matchExpressions = [], matchFields = [] }: INodeSelectorTerm,
  node: INode & KubeObject,
): boolean {
  const labels = node.metadata.labels ?? {};
  const fields: Readonly<Record<string, string>> = { "metadata.name": node.metadata.name ?? "" };
  const holds =
    (values: Readonly<Record<string, string>>) =>
    (requirement: {
      readonly key: string;
      readonly operator: string;
      readonly values?: readonly string[];
    }): boolean => {
      const value = values[requirement.key];
      const wanted = requirement.values ?? [];
      switch (requirement.operator) {
        case "In":
          return value !== undefined && wanted.includes(value);
        case "NotIn":
          return value === undefined || !wanted.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        case "Gt":
          return Number(value) > Number(wanted[0]);
        case "Lt":
          return Number(value) < Number(wanted[0]);
        default:
          return false;
      }
    };
  return matchExpressions.every(holds(labels)) && matchFields.every(holds(fields));
}

function tolerates(spec: Partial<IPodSpec>, taint: ITaint): boolean {
  return (spec.tolerations ?? []).some(({ key, operator = "Equal", value = "", effect }) => {
    if (effect !== undefined && effect !== taint.effect) return false;
    if (key === undefined || key === "") return operator === "Exists";
    return key === taint.key && (operator === "Exists" || value === (taint.value ?? ""));
  });
}
