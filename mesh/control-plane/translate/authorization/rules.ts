import {
  type Permission,
  type Principal,
  RBAC,
  RBAC_Action,
  Policy as RbacPolicy,
} from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import type { AuthorizationRule } from "../../model/authorization-policy.ts";
import type { RuleContext } from "./logic.ts";
import { noPermission, operationPermission } from "./permissions.ts";
import type { Policy } from "./policies.ts";
import { sourcePrincipal } from "./principals.ts";

const actions = { ALLOW: RBAC_Action.ALLOW, DENY: RBAC_Action.DENY, AUDIT: RBAC_Action.LOG } as const;

/**
 * Policies of one action as Envoy's RBAC rules, each rule under the name that logs show: ns[…]-policy[…]-rule[…]. Attributes of
 * HTTP on connections that are not: an ALLOW rule with them never holds, of a DENY rule the rest counts. Source: Istio's
 * documentation of authorization for TCP traffic.
 */
export function rbacRules(
  policies: readonly Policy[],
  action: keyof typeof actions,
  connection: Pick<RuleContext, "l4Only" | "tunnelled">,
): RBAC {
  const rules: Record<string, RbacPolicy> = {};
  for (const { origin, spec } of policies) {
    const context: RuleContext = { ...connection, namespace: origin.namespace, dropsL7: action !== "ALLOW" };
    const name = (index: number): string => `ns[${origin.namespace}]-policy[${origin.name}]-rule[${index}]`;
    if (spec.rules.length === 0) {
      // Without rules a policy matches nothing: an ALLOW then denies everything.
      if (action === "ALLOW") rules[name(0)] = never();
      continue;
    }
    for (const [index, rule] of spec.rules.entries()) {
      const policy = rbacPolicy(rule, context);
      if (policy !== undefined) rules[name(index)] = policy;
    }
  }
  return RBAC.fromPartial({ action: actions[action], policies: rules });
}

function rbacPolicy(rule: AuthorizationRule, context: RuleContext): RbacPolicy | undefined {
  const conditions = rule.when ?? [];
  const permissions: Permission[] = [];
  for (const { operation } of rule.to ?? [{ operation: {} }]) {
    const permission = operationPermission(operation, conditions, context);
    if (permission === undefined) return undefined;
    permissions.push(permission);
  }
  const principals: Principal[] = [];
  for (const { source } of rule.from ?? [{ source: {} }]) {
    const principal = sourcePrincipal(source, conditions, context);
    if (principal === undefined) return undefined;
    principals.push(principal);
  }
  return RbacPolicy.fromPartial({ permissions, principals });
}

const never = (): RbacPolicy =>
  RbacPolicy.fromPartial({
    permissions: [noPermission()],
    principals: [{ identifier: { $case: "notId", value: { identifier: { $case: "any", value: true } } } }],
  });
