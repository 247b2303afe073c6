import {
  type Permission,
  type Principal,
  type Principal_Authenticated,
  type RBAC,
  RBAC_Action,
} from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import type { FilterStateMatcher } from "#gen/xds/envoy/type/matcher/v3/filter_state.ts";
import type { MetadataMatcher } from "#gen/xds/envoy/type/matcher/v3/metadata.ts";
import type { PathMatcher } from "#gen/xds/envoy/type/matcher/v3/path.ts";
import { compileCidr } from "../match/cidr.ts";
import { compileEachHeaderMatcher } from "../match/header-match.ts";
import { compileMetadataMatcher } from "../match/metadata-match.ts";
import type { RegexCache } from "../match/regex.ts";
import { compileStringMatcher } from "../match/string-match.ts";
import type { PolicyFacts, PolicyTest } from "./facts.ts";

/** What rules say of a request: whether it may go on, and the policy that matched (undefined where none did). */
export interface Verdict {
  readonly allowed: boolean;
  readonly policy: string | undefined;
}

/**
 * Compiles rules of Envoy's role-based access control: ALLOW lets in what a policy matches, DENY the rest, LOG everything. The
 * verdicts are made once, so that asking allocates nothing. Throws for conditions that are not supported: to leave one out could
 * let somebody in. Source: Envoy's API, config.rbac.v3.
 */
export function compileRbac(rules: RBAC, regexes: RegexCache): (facts: PolicyFacts) => Verdict {
  const whenMatched = rules.action !== RBAC_Action.DENY;
  const otherwise: Verdict = { allowed: rules.action !== RBAC_Action.ALLOW, policy: undefined };
  // In order of their names, as Envoy keeps them.
  const policies = Object.entries(rules.policies)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { permissions, principals, condition, checkedCondition }]) => {
      if (condition !== undefined || checkedCondition !== undefined)
        throw new Error(`policy ${name} has a CEL condition`);
      return {
        verdict: { allowed: whenMatched, policy: name },
        permission: anyOf(permissions.map((one) => compilePermission(one, regexes))),
        principal: anyOf(principals.map((one) => compilePrincipal(one, regexes))),
      };
    });
  return (facts) => {
    for (const { verdict, permission, principal } of policies) {
      if (permission(facts) && principal(facts)) return verdict;
    }
    return otherwise;
  };
}

function anyOf(tests: readonly PolicyTest[]): PolicyTest {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (facts) => tests.some((test) => test(facts));
}

function allOf(tests: readonly PolicyTest[]): PolicyTest {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (facts) => tests.every((test) => test(facts));
}

function not(test: PolicyTest): PolicyTest {
  return (facts) => !test(facts);
}

function compilePermission({ rule }: Permission, regexes: RegexCache): PolicyTest {
  switch (rule?.$case) {
    case "any":
      return () => rule.value;
    case "andRules":
      return allOf(rule.value.rules.map((one) => compilePermission(one, regexes)));
    case "orRules":
      return anyOf(rule.value.rules.map((one) => compilePermission(one, regexes)));
    case "notRule":
      return not(compilePermission(rule.value, regexes));
    case "header":
      return headerTest(rule.value, regexes);
    case "urlPath":
      return pathTest(rule.value, regexes);
    case "destinationIp": {
      const range = compileCidr(rule.value);
      return (facts) => range.contains(facts.destinationAddress);
    }
    case "destinationPort":
      return (facts) => facts.destinationPort === rule.value;
    case "destinationPortRange":
      return ({ destinationPort }) => destinationPort >= rule.value.start && destinationPort < rule.value.end;
    case "requestedServerName": {
      const test = compileStringMatcher(rule.value, regexes);
      return (facts) => test(facts.serverName);
    }
    case "metadata":
      return metadataTest(rule.value, regexes);
    default:
      throw new Error(`permissions of the kind ${rule?.$case ?? "none"} are not supported`);
  }
}

function compilePrincipal({ identifier }: Principal, regexes: RegexCache): PolicyTest {
  switch (identifier?.$case) {
    case "any":
      return () => identifier.value;
    case "andIds":
      return allOf(identifier.value.ids.map((one) => compilePrincipal(one, regexes)));
    case "orIds":
      return anyOf(identifier.value.ids.map((one) => compilePrincipal(one, regexes)));
    case "notId":
      return not(compilePrincipal(identifier.value, regexes));
    case "authenticated":
      return authenticatedTest(identifier.value, regexes);
    case "sourceIp":
    case "directRemoteIp": {
      const range = compileCidr(identifier.value);
      return (facts) => range.contains(facts.directAddress);
    }
    case "remoteIp": {
      const range = compileCidr(identifier.value);
      return (facts) => range.contains(facts.remoteAddress);
    }
    case "header":
      return headerTest(identifier.value, regexes);
    case "urlPath":
      return pathTest(identifier.value, regexes);
    case "metadata":
      return metadataTest(identifier.value, regexes);
    case "filterState":
      return stateTest(identifier.value, regexes);
    default:
      throw new Error("a principal without a condition, or of an unknown kind, is not supported");
  }
}

function authenticatedTest({ principalName }: Principal_Authenticated, regexes: RegexCache): PolicyTest {
  if (principalName === undefined) return (facts) => facts.mutual;
  const test = compileStringMatcher(principalName, regexes);
  // Without a verified certificate nobody is anybody, not even who matches everything.
  return (facts) => facts.mutual && test(facts.principal);
}

function stateTest({ key, matcher }: FilterStateMatcher, regexes: RegexCache): PolicyTest {
  if (matcher?.$case !== "stringMatch") throw new Error("filter state without a pattern is not supported");
  const test = compileStringMatcher(matcher.value, regexes);
  // What was not noted is nobody's, not even for what matches everything.
  return (facts) => {
    const value = facts.state(key) ?? "";
    return value !== "" && test(value);
  };
}

function headerTest(matcher: Parameters<typeof compileEachHeaderMatcher>[0], regexes: RegexCache): PolicyTest {
  const test = compileEachHeaderMatcher(matcher, regexes);
  return ({ headers }) => headers !== undefined && test(headers);
}

function pathTest({ rule }: PathMatcher, regexes: RegexCache): PolicyTest {
  if (rule === undefined) throw new Error("a path without a pattern is not supported");
  const test = compileStringMatcher(rule.value, regexes);
  return ({ headers, path }) => headers !== undefined && test(path);
}

function metadataTest(matcher: MetadataMatcher, regexes: RegexCache): PolicyTest {
  const test = compileMetadataMatcher(matcher, regexes);
  return (facts) => test(facts);
}
