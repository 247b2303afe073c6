import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import type { Identity } from "./authenticate.ts";

interface SubjectAccessReview extends KubeObject {
  readonly spec: {
    readonly user: string;
    readonly groups: readonly string[];
    readonly resourceAttributes: { readonly namespace: string; readonly verb: string; readonly resource: string };
  };
  readonly status?: { readonly allowed?: boolean };
}

/** Whether the API server would let an account list the Secrets of its namespace, as Istio asks it. Rejects if it cannot be asked. */
export function secretReader(client: Pick<KubeClient, "create">): (identity: Identity) => Promise<boolean> {
  return async ({ namespace, serviceAccount }) => {
    const { status } = await client.create<SubjectAccessReview>(resources.subjectAccessReviews, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: {
        user: `system:serviceaccount:${namespace}:${serviceAccount}`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        resourceAttributes: { namespace, verb: "list", resource: "secrets" },
      },
    });
    return status?.allowed === true;
  };
}
