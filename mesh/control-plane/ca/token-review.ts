import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import type { Identity } from "../serve/authenticate.ts";

/** The audience that proxies' tokens are made for. */
const AUDIENCE = "istio-ca";

interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly error?: string;
    readonly audiences?: readonly string[];
    readonly user?: {
      readonly username?: string;
      readonly extra?: Readonly<Record<string, readonly string[] | undefined>>;
    };
  };
}

/** Who a token belongs to, by asking the API server. Undefined for a token that proves nothing; rejects if it cannot be asked. */
export function tokenReviewer(client: Pick<KubeClient, "create">): (token: string) => Promise<Identity | undefined> {
  return async (token) => {
    const { status } = await client.create<TokenReview>(resources.tokenReviews, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: {},
      spec: { token, audiences: [AUDIENCE] },
    });
    if (status?.authenticated !== true || status.audiences?.includes(AUDIENCE) !== true) return undefined;
    const [, namespace, serviceAccount] =
      /^system:serviceaccount:([^:]+):([^:]+)$/.exec(status.user?.username ?? "") ?? [];
    if (namespace === undefined || serviceAccount === undefined) return undefined;
    const pod = status.user?.extra?.["authentication.kubernetes.io/pod-name"]?.[0];
    return { namespace, serviceAccount, ...(pod !== undefined && { pod }) };
  };
}
