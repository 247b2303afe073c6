import type { AuthorizationPolicy } from "../../model/authorization-policy.ts";
import { trustDomainsOf } from "../../model/mesh-config.ts";
import type { Config, ProxyNode, Snapshot } from "../../model/snapshot.ts";
import { inForceFor } from "../policy-target.ts";
import { withTrustDomains } from "./trust-domains.ts";

export type Policy = Config<AuthorizationPolicy>;

/** The policies that a proxy enforces, by action. */
export interface Policies {
  readonly audit: readonly Policy[];
  readonly deny: readonly Policy[];
  readonly allow: readonly Policy[];
  readonly custom: readonly Policy[];
}

/** Those that are in force for a proxy. */
export function policiesOf(
  snapshot: Pick<Snapshot, "authorizationPolicies" | "mesh">,
  proxy: Pick<ProxyNode, "namespace" | "labels">,
): Policies {
  const inForce = inForceFor(snapshot.authorizationPolicies, proxy, snapshot.mesh.rootNamespace);
  const domains = trustDomainsOf(snapshot.mesh);
  const of = (action: AuthorizationPolicy["action"]): readonly Policy[] =>
    inForce
      .filter(({ spec }) => spec.action === action)
      .map(({ origin, spec }) => ({ origin, spec: withTrustDomains(spec, domains) }));
  return { audit: of("AUDIT"), deny: of("DENY"), allow: of("ALLOW"), custom: of("CUSTOM") };
}
