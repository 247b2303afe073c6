import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, type Json, type JsonObject } from "../machinery/json.ts";
import type { Store } from "../store/store.ts";

export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

const RBAC = "rbac.authorization.k8s.io";
/** Paths that every authenticated client may read. Source: Kubernetes' system:discovery and system:public-info-viewer. */
const discovery = /^\/(api|apis|openapi|version|healthz|livez|readyz)(\/|$)/;

export const mayDiscover = (path: string): boolean => discovery.test(path);

/** Whether RBAC allows it: by the superusers' group, a cluster binding, or a binding in the namespace. */
export function isAllowed(store: Store, { name, groups }: Identity, access: Access): boolean {
  if (groups.includes("system:masters")) return true;
  // Reviews of oneself are for everybody.
  if (/^auth(oriz|entic)ation\.k8s\.io$/.test(access.group) && access.resource.startsWith("selfsubject")) return true;
  return rulesFor(store, { name, groups }, access.namespace).some((rule) => covers(asObject(rule), access));
}

/** The rules that bindings give somebody: those of the cluster, and of a namespace if one is named. */
export function rulesFor(store: Store, { name, groups }: Identity, namespace: string): readonly Json[] {
  const isSubject = (subject: Json): boolean => {
    const { kind, name: subjectName, namespace: at } = asObject(subject);
    if (kind === "User") return subjectName === name;
    if (kind === "Group") return groups.includes(asString(subjectName));
    return kind === "ServiceAccount" && name === `system:serviceaccount:${asString(at)}:${asString(subjectName)}`;
  };
  const given = (binding: ApiObject, within: string): readonly Json[] =>
    asArray(binding.subjects).some(isSubject) ? roleRules(store, asObject(binding.roleRef), within) : [];
  const cluster = store.list(`${RBAC}/clusterrolebindings`).flatMap((binding) => given(binding, ""));
  if (namespace === "") return cluster;
  return [...cluster, ...store.list(`${RBAC}/rolebindings`, namespace).flatMap((binding) => given(binding, namespace))];
}

/** The rules of the role that a binding names. */
export function roleRules(store: Store, reference: JsonObject, namespace: string): readonly Json[] {
  const name = asString(reference.name);
  if (reference.kind === "Role") return asArray(store.get({ bucket: `${RBAC}/roles`, namespace, name })?.rules);
  const role = store.get({ bucket: `${RBAC}/clusterroles`, namespace: "", name });
  return asArray(role?.rules);
}

function covers(rule: JsonObject, { verb, group, resource, subresource, name }: Access): boolean {
  const has = (list: Json | undefined, value: string): boolean =>
    asArray(list).some((item) => item === "*" || item === value);
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const byResource = asArray(rule.resources).some(
    (item) =>
      item === "*" ||
      item === full ||
      (subresource !== "" && (item === `*/${subresource}` || item === `${resource}/*`)),
  );
  const names = asArray(rule.resourceNames);
  return byResource && (names.length === 0 || names.includes(name));
}
