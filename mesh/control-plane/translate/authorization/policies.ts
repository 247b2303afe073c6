import type { AuthorizationPolicy } from "../../model/authorization-policy.ts";
import { trustDomainsOf } from "../../model/mesh-config.ts";
import type { Config, Snapshot } from "../../model/snapshot.ts";
import { inForceFor, type PolicyTarget } from "../policy-target.ts";
import { withTrustDomains } from "./trust-domains.ts";

export type Policy = Config<AuthorizationPolicy>;

/** The policies that a proxy enforces, by action. */
export interface Policies {
  readonly audit: readonly Policy[];
  readonly deny: readonly Policy[];
  readonly allow: readonly Policy[];
  readonly custom: readonly Policy[];
  /** Whether callers come through tunnels of HBONE: then the tunnel knows who they are, not the connection inside. */
  readonly tunnelled: boolean;
}

/** Those that are in force for a proxy, or for what a waypoint is asked for. */
export function policiesOf(snapshot: Pick<Snapshot, "authorizationPolicies" | "mesh">, target: PolicyTarget): Policies {
  const inForce = inForceFor(snapshot.authorizationPolicies, target, snapshot.mesh.rootNamespace);
  const domains = trustDomainsOf(snapshot.mesh);
  const of = (action: AuthorizationPolicy["action"]): readonly Policy[] =>
    inForce
      .filter(({ spec }) => spec.action === action)
      .map(({ origin, spec }) => ({ origin, spec: withTrustDomains(spec, domains) }));
  const tunnelled = target.waypointFor !== undefined;
  return { tunnelled, audit: of("AUDIT"), deny: of("DENY"), allow: of("ALLOW"), custom: of("CUSTOM") };
}
