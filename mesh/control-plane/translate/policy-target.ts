import { labels } from "#api/names.ts";
import type { targetRef } from "../model/authorization-policy.ts";
import { gatewayClasses } from "../model/kubernetes-gateway.ts";
import type { Config, ProxyNode, Service } from "../model/snapshot.ts";
import { hasLabels } from "./peer-authentication.ts";

type Reference = ReturnType<(typeof targetRef)["parse"]>;

/** How policies name the workloads that they are for. */
export interface Targeting {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined;
  readonly targetRef?: Reference | undefined;
  readonly targetRefs?: readonly Reference[] | undefined;
}

/** Whom policies are looked for: a proxy's workload or, in a waypoint, what is sent to a service (or to workloads, if to none). */
export interface PolicyTarget extends Pick<ProxyNode, "namespace" | "labels"> {
  readonly waypointFor?: { readonly service: Service | undefined };
}

/**
 * Those of the root namespace and of the proxy's own that select its workload; one that names targets counts only for gateways that
 * are such a target. Waypoints enforce what names a target and nothing else: the rest is for the ztunnels behind them.
 * Source: AuthorizationPolicy and RequestAuthentication in Istio's API reference.
 */
export function inForceFor<Policy extends Config<Targeting>>(
  policies: readonly Policy[],
  target: PolicyTarget,
  rootNamespace: string,
): readonly Policy[] {
  return policies.filter((policy) => {
    const references = referencesOf(policy.spec);
    const names = (reference: Reference): boolean =>
      isTarget(reference, policy.origin.namespace, target, rootNamespace);
    if (references.length > 0 || target.waypointFor !== undefined) return references.some(names);
    const { selector } = policy.spec;
    return (
      [rootNamespace, target.namespace].includes(policy.origin.namespace) &&
      hasLabels(target.labels, selector?.matchLabels ?? {})
    );
  });
}

const referencesOf = ({ targetRef, targetRefs = [] }: Targeting): readonly Reference[] =>
  targetRef === undefined ? targetRefs : [...targetRefs, targetRef];

/** Whether a reference of a policy in this namespace means the target. */
function isTarget({ kind, name }: Reference, namespace: string, target: PolicyTarget, rootNamespace: string): boolean {
  switch (kind) {
    case "Gateway":
      return namespace === target.namespace && target.labels[labels.gatewayName] === name;
    case "GatewayClass":
      return target.waypointFor !== undefined && namespace === rootNamespace && name === gatewayClasses.waypoint;
    case "Service":
    case "ServiceEntry": {
      const origin = target.waypointFor?.service?.origin;
      return origin?.kind === kind && origin.name === name && origin.namespace === namespace;
    }
    default:
      return false;
  }
}
