import type { targetRef } from "../model/authorization-policy.ts";
import type { Config, ProxyNode } from "../model/snapshot.ts";
import { hasLabels } from "./peer-authentication.ts";

type Reference = ReturnType<(typeof targetRef)["parse"]>;

/** How policies name the workloads that they are for. */
export interface Targeting {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined;
  readonly targetRef?: Reference | undefined;
  readonly targetRefs?: readonly Reference[] | undefined;
}

type Target = Pick<ProxyNode, "namespace" | "labels">;

/** Label by which a gateway made from the Gateway API says which one it is. Source: Istio's Gateway API documentation. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * Those of the root namespace and of the proxy's own that select its workload; one that names targets counts only for gateways that
 * are such a target. Source: AuthorizationPolicy and RequestAuthentication in Istio's API reference.
 */
export function inForceFor<Policy extends Config<Targeting>>(
  policies: readonly Policy[],
  proxy: Target,
  rootNamespace: string,
): readonly Policy[] {
  return policies.filter(
    (policy) => [rootNamespace, proxy.namespace].includes(policy.origin.namespace) && selects(policy, proxy),
  );
}

function selects({ origin, spec }: Config<Targeting>, proxy: Target): boolean {
  const targets = [...(spec.targetRefs ?? []), ...(spec.targetRef === undefined ? [] : [spec.targetRef])];
  if (targets.length === 0) return hasLabels(proxy.labels, spec.selector?.matchLabels ?? {});
  return targets.some(
    ({ kind, name }) =>
      kind === "Gateway" && origin.namespace === proxy.namespace && proxy.labels[GATEWAY_NAME] === name,
  );
}
