import type { AuthorizationPolicy } from "../../model/authorization-policy.ts";
import type { Config, ProxyNode, Snapshot } from "../../model/snapshot.ts";
import { hasLabels } from "../peer-authentication.ts";

export type Policy = Config<AuthorizationPolicy>;

/** The policies that a proxy enforces, by action. */
export interface Policies {
  readonly audit: readonly Policy[];
  readonly deny: readonly Policy[];
  readonly allow: readonly Policy[];
  readonly custom: readonly Policy[];
}

/** Label by which a gateway made from the Gateway API says which one it is. Source: Istio's Gateway API documentation. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * Those of the root namespace and of the proxy's own that select its workload; one that names targets counts only for gateways that
 * are such a target. Source: AuthorizationPolicy in Istio's API reference.
 */
export function policiesOf(
  snapshot: Pick<Snapshot, "authorizationPolicies" | "mesh">,
  proxy: Pick<ProxyNode, "namespace" | "labels">,
): Policies {
  const { authorizationPolicies, mesh } = snapshot;
  const inForce = authorizationPolicies.filter(
    (policy) => [mesh.rootNamespace, proxy.namespace].includes(policy.origin.namespace) && selects(policy, proxy),
  );
  const of = (action: AuthorizationPolicy["action"]): readonly Policy[] =>
    inForce.filter(({ spec }) => spec.action === action);
  return { audit: of("AUDIT"), deny: of("DENY"), allow: of("ALLOW"), custom: of("CUSTOM") };
}

function selects({ origin, spec }: Policy, proxy: Pick<ProxyNode, "namespace" | "labels">): boolean {
  const targets = [...(spec.targetRefs ?? []), ...(spec.targetRef === undefined ? [] : [spec.targetRef])];
  if (targets.length === 0) return hasLabels(proxy.labels, spec.selector?.matchLabels ?? {});
  return targets.some(
    ({ kind, name }) =>
      kind === "Gateway" && origin.namespace === proxy.namespace && proxy.labels[GATEWAY_NAME] === name,
  );
}
