import type { RBAC } from "#gen/xds/envoy/config/rbac/v3/rbac.ts";
import type { ExtAuthz } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import type { ExtAuthz as NetworkExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import {
  ASKING,
  type Authorizer,
  connectionFilter,
  findAuthorizer,
  requestFilter,
  ruleNamePrefix,
} from "./authorizer.ts";
import type { Policies, Policy } from "./policies.ts";
import { rbacRules } from "./rules.ts";

/** Rules that only tell, or that refuse; and who is asked where they match. */
export interface CustomStep<Filter> {
  readonly rules: RBAC | undefined;
  readonly shadowRules: RBAC | undefined;
  readonly shadowPrefix: string;
  readonly ask: Filter | undefined;
}

type Registry = Pick<Snapshot, "mesh" | "services">;

/** What follows the name of a rule whose authorizer cannot be asked. Istio's name. */
const BAD = "-deny-due-to-bad-CUSTOM-action";

/** The providers that policies which are no dry runs name, each once. */
export const providersOf = (custom: readonly Policy[]): readonly string[] =>
  [...new Set(custom.filter(({ spec }) => !spec.dryRun).map(providerOf))].toSorted();

const providerOf = ({ spec }: Policy): string => spec.provider?.name ?? "";

/** Services that proxies with these policies must be able to call. */
export function authorizerServices(registry: Registry, { custom }: Policies): readonly Service[] {
  const found = providersOf(custom).map((name) => findAuthorizer(registry, name));
  return found.flatMap((one) => ("problem" in one ? [] : [one.service]));
}

/** How requests are brought before the authorizers of CUSTOM policies. */
export const requestSteps = (registry: Registry, policies: Policies): readonly CustomStep<ExtAuthz>[] =>
  customSteps({ registry, policies, l4Only: false, filterOf: requestFilter });

/** How connections are. */
export const connectionSteps = (registry: Registry, policies: Policies): readonly CustomStep<NetworkExtAuthz>[] =>
  customSteps({ registry, policies, l4Only: true, filterOf: connectionFilter });

interface CustomOptions<Filter> {
  readonly registry: Registry;
  readonly policies: Policies;
  readonly l4Only: boolean;
  /** Undefined where it cannot be asked: then the policies do not count. */
  readonly filterOf: (authorizer: Authorizer) => Filter | undefined;
}

/**
 * For each provider shadow rules that note whether one matches, then the filter that asks if so. What cannot be asked refuses what
 * it would be asked about: a provider that is missing, or several for one workload, which Istio does not have by default.
 */
function customSteps<Filter>(options: CustomOptions<Filter>): readonly CustomStep<Filter>[] {
  const { registry, policies, l4Only, filterOf } = options;
  const connection = { l4Only, tunnelled: policies.tunnelled };
  const names = providersOf(policies.custom);
  const dry = policies.custom.filter(({ spec }) => spec.dryRun);
  const steps = names.flatMap((name): readonly CustomStep<Filter>[] => {
    const own = policies.custom.filter((policy) => !policy.spec.dryRun && providerOf(policy) === name);
    const rules = rulesOf(own, connection);
    const authorizer = findAuthorizer(registry, name);
    if ("problem" in authorizer || names.length > 1) {
      return [
        { rules: renamed(rules, (rule) => rule + BAD), shadowRules: undefined, shadowPrefix: "", ask: undefined },
      ];
    }
    const ask = filterOf(authorizer);
    return ask === undefined ? [] : [{ rules: undefined, shadowRules: rules, shadowPrefix: ASKING, ask }];
  });
  if (dry.length === 0) return steps;
  const shadowRules = rulesOf(dry, connection);
  return [...steps, { rules: undefined, shadowRules, shadowPrefix: "istio_dry_run_custom_", ask: undefined }];
}

type Connection = Parameters<typeof rbacRules>[2];

/** Rules of a DENY: what they match is what is asked about. */
function rulesOf(policies: readonly Policy[], connection: Connection): RBAC {
  const parts = policies.map((policy) =>
    renamed(rbacRules([policy], "DENY", connection), (rule) => ruleNamePrefix(providerOf(policy)) + rule),
  );
  const [first] = parts;
  return {
    ...rbacRules([], "DENY", connection),
    ...first,
    policies: Object.assign({}, ...parts.map((one) => one.policies)),
  };
}

const renamed = (rules: RBAC, name: (rule: string) => string): RBAC => ({
  ...rules,
  policies: Object.fromEntries(Object.entries(rules.policies).map(([rule, policy]) => [name(rule), policy])),
});
