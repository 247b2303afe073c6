import type { IncomingHttpHeaders } from "node:http";
import type { Store } from "../store/store.ts";
import { type Identity, isAllowed } from "./rbac.ts";
import { badRequest, forbiddenObject } from "./status.ts";

const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat().flatMap((one) => one.split(",").map((part) => part.trim()));

const ACCOUNT = "system:serviceaccount:";

/**
 * Who a request is made as: the headers Impersonate-User and Impersonate-Group, for those who may. Fails with Forbidden. Source:
 * Kubernetes' documentation of authentication, "User impersonation".
 */
export function impersonated(store: Store, identity: Identity, headers: IncomingHttpHeaders): Identity {
  const user = headers["impersonate-user"];
  const groups = list(headers["impersonate-group"]);
  if (user === undefined || user === "") {
    if (groups.length > 0 || headers["impersonate-uid"] !== undefined)
      throw badRequest("requested impersonation without impersonating a user");
    return identity;
  }
  const name = String(user);
  const account = name.startsWith(ACCOUNT) ? name.slice(ACCOUNT.length).split(":") : undefined;
  if (account === undefined) check(store, identity, { resource: "users", name, namespace: "" });
  else check(store, identity, { resource: "serviceaccounts", name: account[1] ?? "", namespace: account[0] ?? "" });
  for (const group of groups) check(store, identity, { resource: "groups", name: group, namespace: "" });
  const own = account === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${account[0]}`];
  const base = groups.length > 0 ? groups : own;
  const known = base.includes("system:authenticated") || base.includes("system:unauthenticated");
  return { name, groups: known ? base : [...base, "system:authenticated"] };
}

function check(
  store: Store,
  identity: Identity,
  { resource, name, namespace }: { readonly resource: string; readonly name: string; readonly namespace: string },
): void {
  if (isAllowed(store, identity, { verb: "impersonate", group: "", resource, subresource: "", namespace, name }))
    return;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  throw forbiddenObject(
    { group: "", resource },
    name,
    `User ${JSON.stringify(identity.name)} cannot impersonate resource ${JSON.stringify(resource)} in API group "" ${where}`,
  );
}
