import { clusterDomain } from "#api/names.ts";
import type { AuthorizationPolicy, AuthorizationRule } from "../../model/authorization-policy.ts";

/**
 * The policy with every principal of one of the mesh's trust domains written in all of them, so that who comes with an identity of
 * an alias is judged alike. Principals of other domains, and such as name no domain, stay. `cluster.local` always means this mesh.
 * Source: Istio, "Trust Domain Migration".
 * @param domains the mesh's trust domain and its aliases
 */
export function withTrustDomains(policy: AuthorizationPolicy, domains: readonly string[]): AuthorizationPolicy {
  if (domains.length === 1 && domains[0] === clusterDomain) return policy;
  return { ...policy, rules: policy.rules.map((rule) => ruleWith(rule, domains)) };
}

function ruleWith(rule: AuthorizationRule, domains: readonly string[]): AuthorizationRule {
  const all = (principals: readonly string[] | undefined): string[] | undefined =>
    principals === undefined ? undefined : [...new Set(principals.flatMap((one) => inAll(one, domains)))];
  return {
    ...rule,
    ...(rule.from !== undefined && {
      from: rule.from.map(({ source }) => ({
        source: { ...source, principals: all(source.principals), notPrincipals: all(source.notPrincipals) },
      })),
    }),
    ...(rule.when !== undefined && {
      when: rule.when.map((condition) =>
        condition.key === "source.principal"
          ? { ...condition, values: all(condition.values), notValues: all(condition.notValues) }
          : condition,
      ),
    }),
  };
}

/** `domain/ns/namespace/sa/account` in every domain; a wildcard that covers a domain already stands for it. */
function inAll(principal: string, domains: readonly string[]): readonly string[] {
  const [domain = "", ...rest] = principal.split("/");
  if (rest.length !== 4 || domain === "*") return [principal];
  if (domain !== clusterDomain && !domains.some((one) => covers(domain, one))) return [principal];
  return domains.map((one) => (covers(domain, one) ? principal : [one, ...rest].join("/")));
}

/** Whether the domain of a principal, which may begin with a wildcard, is this one. */
const covers = (pattern: string, domain: string): boolean =>
  pattern.startsWith("*") ? domain.endsWith(pattern.slice(1)) : pattern === domain;
