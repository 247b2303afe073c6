import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import type { Discovery } from "#kube/discovery.ts";
import type { ResourceType } from "#kube/resource.ts";

/** One thing that a user must be allowed to do. */
export interface Right {
  readonly verb: string;
  readonly resource: ResourceType;
  /** Undefined for kinds without one. */
  readonly namespace: string | undefined;
}

/** Server-side apply makes objects by create and patch; updates, removal and pruning need the others. */
const verbs = ["get", "list", "create", "patch", "delete"];

/** What installing, updating and removing these objects takes, each right once. */
export async function rightsFor(objects: readonly KubeObject[], discovery: Discovery): Promise<readonly Right[]> {
  const rights = new Map<string, Right>();
  for (const { apiVersion, kind, metadata } of objects) {
    const resource = await discovery.find(apiVersion, kind);
    if (resource === undefined) continue;
    const namespace = resource.namespaced ? metadata.namespace : undefined;
    for (const verb of verbs)
      rights.set(`${verb} ${resource.group}/${resource.resource} ${namespace ?? ""}`, { verb, resource, namespace });
  }
  return [...rights.values()];
}

/** Those that the API server says the user has not (SelfSubjectAccessReview). */
export async function missingRights(
  client: KubeClient,
  rights: readonly Right[],
  signal: AbortSignal,
): Promise<readonly Right[]> {
  const allowed = await Promise.all(rights.map((right) => isAllowed(client, right, signal)));
  return rights.filter((_, index) => !allowed[index]);
}

async function isAllowed(client: KubeClient, right: Right, signal: AbortSignal): Promise<boolean> {
  const { group, resource } = right.resource;
  const attributes = {
    verb: right.verb,
    group,
    resource,
    ...(right.namespace === undefined ? {} : { namespace: right.namespace }),
  };
  const review = await client.http.json<{ readonly status?: { readonly allowed?: boolean } }>({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    }),
    signal,
  });
  return review.status?.allowed === true;
}

/** For people: "create, patch roles.rbac.authorization.k8s.io in istio-system", one line for each resource. */
export function describeRights(rights: readonly Right[]): readonly string[] {
  const lines = new Map<string, string[]>();
  for (const { verb, resource, namespace } of rights) {
    const name = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
    const where = namespace === undefined ? name : `${name} in ${namespace}`;
    lines.set(where, [...(lines.get(where) ?? []), verb]);
  }
  return [...lines].map(([where, all]) => `${all.join(", ")} ${where}`);
}
