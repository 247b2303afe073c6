import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, equalJson, type Json, type JsonObject } from "../machinery/json.ts";
import type { Store } from "../store/store.ts";
import type { Kind } from "./kinds.ts";
import { type Identity, isAllowed, roleRules, rulesFor } from "./rbac.ts";
import { forbiddenObject, notFound } from "./status.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A role or binding that somebody writes. */
export interface RbacWrite {
  readonly kind: Kind;
  readonly object: ApiObject;
  readonly old: ApiObject | undefined;
  readonly user: Identity;
}

/**
 * Nobody gives rights that they do not have: a role may hold no more than its writer may do, a binding give no more; unless they may
 * `escalate` the role or `bind` it. Source: Kubernetes' documentation of RBAC, "Privilege escalation prevention and bootstrapping".
 */
export function checkEscalation(store: Store, { kind, object, old, user }: RbacWrite): void {
  if (kind.group !== RBAC || user.groups.includes("system:masters")) return;
  const { name = "", namespace = "" } = object.metadata;
  const isRole = kind.resource === "roles" || kind.resource === "clusterroles";
  const what = isRole ? "rules" : "roleRef";
  if (old !== undefined && equalJson(old[what], object[what]) && equalJson(old.subjects, object.subjects)) return;
  const roleRef = asObject(object.roleRef);
  if (may(store, user, isRole ? { kind, namespace, name } : { roleRef, namespace })) return;
  if (!isRole && !roleExists(store, roleRef, namespace)) throw notFound(kind, asString(roleRef.name));
  const given = isRole ? asArray(object.rules) : roleRules(store, roleRef, namespace);
  const missing = missingRights(rulesFor(store, user, namespace).map(asObject), given.map(asObject));
  if (missing.length === 0) return;
  const groups = `[${user.groups.map((group) => JSON.stringify(group)).join(" ")}]`;
  throw forbiddenObject(
    kind,
    name,
    `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${missing.join("\n")}`,
  );
}

function may(
  store: Store,
  user: Identity,
  asked:
    | { readonly kind: Kind; readonly namespace: string; readonly name: string }
    | { readonly roleRef: JsonObject; readonly namespace: string },
): boolean {
  const access = { group: RBAC, subresource: "", namespace: asked.namespace };
  if ("kind" in asked)
    return isAllowed(store, user, { ...access, verb: "escalate", resource: asked.kind.resource, name: asked.name });
  const resource = asked.roleRef.kind === "Role" ? "roles" : "clusterroles";
  return isAllowed(store, user, { ...access, verb: "bind", resource, name: asString(asked.roleRef.name) });
}

function roleExists(store: Store, { kind, name }: JsonObject, namespace: string): boolean {
  const isLocal = kind === "Role";
  const bucket = `${RBAC}/${isLocal ? "roles" : "clusterroles"}`;
  return store.get({ bucket, namespace: isLocal ? namespace : "", name: asString(name) }) !== undefined;
}

/** One thing that a rule allows. */
interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly path?: string;
}

/** What of some rules others do not hold, by resource, as messages tell it. */
function missingRights(held: readonly JsonObject[], wanted: readonly JsonObject[]): readonly string[] {
  const missing = wanted.flatMap(rightsOf).filter((right) => !held.some((rule) => holds(rule, right)));
  const byTarget = new Map<string, string[]>();
  for (const { verb, ...target } of missing) {
    const key = JSON.stringify(target);
    byTarget.set(key, [...(byTarget.get(key) ?? []), verb]);
  }
  return [...byTarget].map(([key, verbs]) => described(JSON.parse(key) as Omit<Right, "verb">, verbs)).sort();
}

function rightsOf(rule: JsonObject): readonly Right[] {
  const texts = (list: Json | undefined): readonly string[] => asArray(list).map(asString);
  const names = texts(rule.resourceNames);
  return texts(rule.verbs).flatMap((verb): readonly Right[] => [
    ...texts(rule.nonResourceURLs).map((path) => ({ path, verb })),
    ...texts(rule.apiGroups).flatMap((group) =>
      texts(rule.resources).flatMap((resource): readonly Right[] =>
        names.length === 0 ? [{ group, resource, verb }] : names.map((name) => ({ group, resource, name, verb })),
      ),
    ),
  ]);
}

function holds(rule: JsonObject, { verb, group, resource, name, path }: Right): boolean {
  const has = (list: Json | undefined, value: string): boolean =>
    asArray(list).some((one) => one === "*" || one === value);
  if (!has(rule.verbs, verb)) return false;
  if (path !== undefined)
    return asArray(rule.nonResourceURLs).some((one) => {
      const pattern = asString(one);
      return pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
    });
  if (!has(rule.apiGroups, group ?? "")) return false;
  const sub = resource?.includes("/") === true ? `*/${resource.split("/")[1]}` : undefined;
  if (!has(rule.resources, resource ?? "") && !(sub !== undefined && asArray(rule.resources).includes(sub)))
    return false;
  const names = asArray(rule.resourceNames);
  return names.length === 0 || (name !== undefined && names.includes(name));
}

function described({ group, resource, name, path }: Omit<Right, "verb">, verbs: readonly string[]): string {
  const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
  const parts =
    path === undefined
      ? [
          `APIGroups:${list([group ?? ""])}`,
          `Resources:${list([resource ?? ""])}`,
          ...(name === undefined ? [] : [`ResourceNames:${list([name])}`]),
        ]
      : [`NonResourceURLs:${list([path])}`];
  return `{${[...parts, `Verbs:${list(verbs)}`].join(", ")}}`;
}
