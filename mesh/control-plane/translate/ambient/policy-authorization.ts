import {
  Action,
  Address,
  Authorization,
  Match,
  type Rules,
  Scope,
  StringMatch,
} from "#gen/istio/istio/security/authorization.ts";
import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from "../../model/authorization-policy.ts";
import { type MeshConfig, trustDomainsOf } from "../../model/mesh-config.ts";
import type { Config, Snapshot, Workload } from "../../model/snapshot.ts";
import { withTrustDomains } from "../authorization/trust-domains.ts";
import { hasLabels } from "../peer-authentication.ts";

type Policy = Config<AuthorizationPolicy>;

/** What a ztunnel is told about a policy; undefined for those that no ztunnel enforces. */
export function authorizationOf({ origin, spec }: Policy, mesh: MeshConfig): Authorization | undefined {
  const action = actionOf(spec);
  if (action === undefined) return undefined;
  const groups = withTrustDomains(spec, trustDomainsOf(mesh)).rules.flatMap((rule) => {
    const rules = rulesOf(rule, { namespace: origin.namespace, action });
    return rules === undefined ? [] : [{ rules }];
  });
  const scope = selectsWorkloads(spec)
    ? Scope.WORKLOAD_SELECTOR
    : origin.namespace === mesh.rootNamespace
      ? Scope.GLOBAL
      : Scope.NAMESPACE;
  return Authorization.fromPartial({ name: origin.name, namespace: origin.namespace, scope, action, groups });
}

/** Policies that a workload is found by its labels for; the others it has by their scope. */
export function selectedBy(
  { authorizationPolicies, mesh }: Pick<Snapshot, "authorizationPolicies" | "mesh">,
  workload: Pick<Workload, "namespace" | "labels">,
): readonly Policy[] {
  return authorizationPolicies.filter(
    ({ origin, spec }) =>
      actionOf(spec) !== undefined &&
      selectsWorkloads(spec) &&
      (origin.namespace === workload.namespace || origin.namespace === mesh.rootNamespace) &&
      hasLabels(workload.labels, spec.selector?.matchLabels ?? {}),
  );
}

/** AUDIT and CUSTOM need a proxy that reads requests, and so do policies for waypoints; dry runs decide nothing. */
function actionOf(spec: AuthorizationPolicy): Action | undefined {
  if (spec.dryRun || spec.targetRef !== undefined || (spec.targetRefs ?? []).length > 0) return undefined;
  if (spec.action === "ALLOW") return Action.ALLOW;
  return spec.action === "DENY" ? Action.DENY : undefined;
}

const selectsWorkloads = ({ selector }: AuthorizationPolicy): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length > 0;

interface RuleContext {
  readonly namespace: string;
  readonly action: Action;
}

/**
 * All parts of a rule have to hold. What only a reader of requests could tell makes an ALLOW rule never hold, and is left out of a
 * DENY rule, which then denies more: whoever asks too much of a ztunnel is rather refused. Source: Istio, "Layer 4 security policy".
 */
function rulesOf(rule: AuthorizationRule, context: RuleContext): Rules[] | undefined {
  if (context.action === Action.ALLOW && asksForRequests(rule)) return undefined;
  const clauses = [
    (rule.from ?? []).map(({ source }) => sourceMatch(source, context)),
    (rule.to ?? []).map(({ operation }) => operationMatch(operation)),
    ...(rule.when ?? []).flatMap((condition) => {
      const match = conditionMatch(condition, context);
      return match === undefined ? [] : [[match]];
    }),
  ];
  return clauses.filter((matches) => matches.length > 0).map((matches) => ({ matches }));
}

const some = (...lists: readonly (readonly string[] | undefined)[]): boolean =>
  lists.some((list) => (list ?? []).length > 0);

function asksForRequests({ from = [], to = [], when = [] }: AuthorizationRule): boolean {
  return (
    from.some(
      ({ source: s }) =>
        some(s.requestPrincipals, s.notRequestPrincipals, s.remoteIpBlocks, s.notRemoteIpBlocks) || asksTwice(s),
    ) ||
    to.some(({ operation: o }) => some(o.hosts, o.notHosts, o.methods, o.notMethods, o.paths, o.notPaths)) ||
    when.some(({ key }) => !(key in conditions))
  );
}

/** A ztunnel is asked for whole identities: it can be told domains, or names, and not both of one caller. */
const asksTwice = ({ principals, serviceAccounts, trustDomains }: AuthorizationSource): boolean =>
  some(trustDomains) && some(principals, serviceAccounts);

/** Identities of trust domains; a wildcard at the beginning of a domain has no such form. */
const domains = (names: readonly string[] | undefined): StringMatch[] =>
  (names ?? []).map((name) =>
    textMatch(name === "*" ? "*" : `${name.replace(/\*$/, "")}${name.endsWith("*") ? "" : "/"}*`),
  );

function sourceMatch(source: AuthorizationSource, { namespace }: RuleContext): Match {
  const accounts = (names: readonly string[] | undefined): StringMatch[] =>
    (names ?? []).map((name) => accountMatch(name, namespace));
  return Match.fromPartial({
    principals: [
      ...texts(source.principals),
      ...accounts(source.serviceAccounts),
      ...(asksTwice(source) ? [] : domains(source.trustDomains)),
    ],
    notPrincipals: [
      ...texts(source.notPrincipals),
      ...accounts(source.notServiceAccounts),
      ...domains(source.notTrustDomains),
    ],
    namespaces: texts(source.namespaces),
    notNamespaces: texts(source.notNamespaces),
    sourceIps: ranges(source.ipBlocks),
    notSourceIps: ranges(source.notIpBlocks),
  });
}

const operationMatch = ({ ports, notPorts }: AuthorizationOperation): Match =>
  Match.fromPartial({ destinationPorts: (ports ?? []).map(Number), notDestinationPorts: (notPorts ?? []).map(Number) });

type Conditions = Readonly<
  Record<string, (values: readonly string[], not: boolean, context: RuleContext) => Partial<Match>>
>;

const conditions: Conditions = {
  "source.ip": (values, not) => (not ? { notSourceIps: ranges(values) } : { sourceIps: ranges(values) }),
  "source.namespace": (values, not) => (not ? { notNamespaces: texts(values) } : { namespaces: texts(values) }),
  "source.principal": (values, not) => (not ? { notPrincipals: texts(values) } : { principals: texts(values) }),
  "source.trustDomain": (values, not) => (not ? { notPrincipals: domains(values) } : { principals: domains(values) }),
  "source.serviceAccount": (values, not, { namespace }) => {
    const accounts = values.map((value) => accountMatch(value, namespace));
    return not ? { notPrincipals: accounts } : { principals: accounts };
  },
  "destination.ip": (values, not) => (not ? { notDestinationIps: ranges(values) } : { destinationIps: ranges(values) }),
  "destination.port": (values, not) =>
    not ? { notDestinationPorts: values.map(Number) } : { destinationPorts: values.map(Number) },
};

function conditionMatch({ key, values, notValues }: AuthorizationCondition, context: RuleContext): Match | undefined {
  const condition = conditions[key];
  if (condition === undefined) return undefined;
  return Match.fromPartial({
    ...condition(values ?? [], false, context),
    ...condition(notValues ?? [], true, context),
  });
}

const texts = (values: readonly string[] | undefined): StringMatch[] => (values ?? []).map(textMatch);

/** Istio's wildcards: `*` for anything, `*suffix`, `prefix*`, else the very text. */
function textMatch(value: string): StringMatch {
  if (value === "*") return StringMatch.fromPartial({ matchType: { $case: "presence", value: {} } });
  if (value.startsWith("*")) return StringMatch.fromPartial({ matchType: { $case: "suffix", value: value.slice(1) } });
  if (value.endsWith("*"))
    return StringMatch.fromPartial({ matchType: { $case: "prefix", value: value.slice(0, -1) } });
  return StringMatch.fromPartial({ matchType: { $case: "exact", value } });
}

/** `account` of the policy's namespace, or `namespace/account`; in any trust domain. */
function accountMatch(name: string, own: string): StringMatch {
  const [account = "", namespace = own] = name.split("/").toReversed();
  return StringMatch.fromPartial({ matchType: { $case: "suffix", value: `/ns/${namespace}/sa/${account}` } });
}

function ranges(values: readonly string[] | undefined): Address[] {
  return (values ?? []).flatMap((text) => {
    const [address = "", length] = text.split("/");
    const octets = address.split(".").map(Number);
    // The cluster has no other addresses than IPv4: no other range can match.
    if (octets.length !== 4) return [NOWHERE];
    return [Address.fromPartial({ address: Buffer.from(octets), length: length === undefined ? 32 : Number(length) })];
  });
}

/** Matches nobody, which a list without entries would not say. */
const NOWHERE = Address.fromPartial({ address: Buffer.alloc(16), length: 128 });
