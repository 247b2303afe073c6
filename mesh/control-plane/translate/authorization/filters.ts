import type { Filter } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RBAC } from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import { RBAC as HttpRbac } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import type { HttpFilter } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { RBAC as NetworkRbac } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { pack } from "../any.ts";
import type { Policies, Policy } from "./policies.ts";
import { rbacRules } from "./rules.ts";

/** The filters of requests, in the order in which Istio asks: AUDIT notes, DENY before ALLOW. */
export function httpAuthorization(policies: Policies): readonly HttpFilter[] {
  return steps(policies, false).map(({ rules, shadowRules, shadowPrefix }) => ({
    name: "envoy.filters.http.rbac",
    isOptional: false,
    disabled: false,
    configType: {
      $case: "typedConfig",
      value: pack(
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        HttpRbac,
        HttpRbac.fromPartial({ rules, shadowRules, shadowRulesStatPrefix: shadowPrefix, trackPerRuleStats: true }),
      ),
    },
  }));
}

/** The filters of connections whose bytes are not HTTP. */
export function networkAuthorization(policies: Policies): readonly Filter[] {
  return steps(policies, true).map(({ rules, shadowRules, shadowPrefix }) => ({
    name: "envoy.filters.network.rbac",
    configType: {
      $case: "typedConfig",
      value: pack(
        "envoy.extensions.filters.network.rbac.v3.RBAC",
        NetworkRbac,
        NetworkRbac.fromPartial({ rules, shadowRules, shadowRulesStatPrefix: shadowPrefix, statPrefix: "tcp." }),
      ),
    },
  }));
}

interface Step {
  readonly rules: RBAC | undefined;
  /** What dry runs would do. */
  readonly shadowRules: RBAC | undefined;
  readonly shadowPrefix: string;
}

function steps({ audit, deny, allow }: Policies, l4Only: boolean): readonly Step[] {
  const parts = [
    ["AUDIT", audit],
    ["DENY", deny],
    ["ALLOW", allow],
  ] as const;
  return parts.flatMap(([action, policies]) => {
    if (policies.length === 0) return [];
    const rulesOf = (some: readonly Policy[]): RBAC | undefined =>
      some.length === 0 ? undefined : rbacRules(some, action, l4Only);
    const dry = policies.filter(({ spec }) => spec.dryRun);
    const shadowPrefix = dry.length === 0 ? "" : `istio_dry_run_${action.toLowerCase()}_`;
    return [{ rules: rulesOf(policies.filter(({ spec }) => !spec.dryRun)), shadowRules: rulesOf(dry), shadowPrefix }];
  });
}
