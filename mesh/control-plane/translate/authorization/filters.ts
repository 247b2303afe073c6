import type { Filter } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RBAC } from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import { ExtAuthz } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import { RBAC as HttpRbac } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { ExtAuthz as NetworkExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import type { HttpFilter } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { RBAC as NetworkRbac } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { pack } from "../any.ts";
import { connectionSteps, requestSteps } from "./custom.ts";
import type { Policies, Policy } from "./policies.ts";
import { rbacRules } from "./rules.ts";

type Registry = Pick<Snapshot, "mesh" | "services">;

/**
 * The filters of requests, in the order in which Istio asks: external authorizers first, then tokens are read (an authorizer may
 * bring one), AUDIT notes, DENY before ALLOW.
 * @param tokens the filters that read tokens
 */
export function httpAuthorization(
  registry: Registry,
  policies: Policies,
  tokens: readonly HttpFilter[],
): readonly HttpFilter[] {
  return [
    ...requestSteps(registry, policies).flatMap(({ ask, ...step }) => [
      httpRbac(step),
      ...(ask === undefined
        ? []
        : [
            httpFilter(
              "envoy.filters.http.ext_authz",
              pack("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", ExtAuthz, ask),
            ),
          ]),
    ]),
    ...tokens,
    ...steps(policies, false).map(httpRbac),
  ];
}

/** The filters of connections whose bytes are not HTTP. */
export function networkAuthorization(registry: Registry, policies: Policies): readonly Filter[] {
  return [
    ...connectionSteps(registry, policies).flatMap(({ ask, ...step }) => [
      networkRbac(step),
      ...(ask === undefined
        ? []
        : [
            networkFilter(
              "envoy.filters.network.ext_authz",
              pack("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz", NetworkExtAuthz, ask),
            ),
          ]),
    ]),
    ...steps(policies, true).map(networkRbac),
  ];
}

interface Step {
  readonly rules: RBAC | undefined;
  /** What dry runs would do. */
  readonly shadowRules: RBAC | undefined;
  readonly shadowPrefix: string;
}

const httpRbac = ({ rules, shadowRules, shadowPrefix }: Step): HttpFilter =>
  httpFilter(
    "envoy.filters.http.rbac",
    pack(
      "envoy.extensions.filters.http.rbac.v3.RBAC",
      HttpRbac,
      HttpRbac.fromPartial({ rules, shadowRules, shadowRulesStatPrefix: shadowPrefix, trackPerRuleStats: true }),
    ),
  );

const networkRbac = ({ rules, shadowRules, shadowPrefix }: Step): Filter =>
  networkFilter(
    "envoy.filters.network.rbac",
    pack(
      "envoy.extensions.filters.network.rbac.v3.RBAC",
      NetworkRbac,
      NetworkRbac.fromPartial({ rules, shadowRules, shadowRulesStatPrefix: shadowPrefix, statPrefix: "tcp." }),
    ),
  );

const httpFilter = (name: string, value: Any): HttpFilter => ({
  name,
  isOptional: false,
  disabled: false,
  configType: { $case: "typedConfig", value },
});

const networkFilter = (name: string, value: Any): Filter => ({ name, configType: { $case: "typedConfig", value } });

function steps({ audit, deny, allow, tunnelled }: Policies, l4Only: boolean): readonly Step[] {
  const parts = [
    ["AUDIT", audit],
    ["DENY", deny],
    ["ALLOW", allow],
  ] as const;
  return parts.flatMap(([action, policies]) => {
    if (policies.length === 0) return [];
    const rulesOf = (some: readonly Policy[]): RBAC | undefined =>
      some.length === 0 ? undefined : rbacRules(some, action, { l4Only, tunnelled });
    const dry = policies.filter(({ spec }) => spec.dryRun);
    const shadowPrefix = dry.length === 0 ? "" : `istio_dry_run_${action.toLowerCase()}_`;
    return [{ rules: rulesOf(policies.filter(({ spec }) => !spec.dryRun)), shadowRules: rulesOf(dry), shadowPrefix }];
  });
}
