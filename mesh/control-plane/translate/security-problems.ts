import type { AuthorizationPolicy } from "../model/authorization-policy.ts";
import type { GatewaySpec } from "../model/other-kinds.ts";
import type { Config, ConfigProblem, Snapshot, Workload } from "../model/snapshot.ts";
import { findAuthorizer } from "./authorization/authorizer.ts";
import { providersOf } from "./authorization/custom.ts";
import { boundTo, nameOf } from "./bound-server.ts";
import { hasLabels } from "./peer-authentication.ts";
import { inForceFor } from "./policy-target.ts";
import { routesOnClaims } from "./route-claims.ts";

/** Policies and routes on claims that do something else than whoever wrote them thinks. */
export function findSecurityProblems(snapshot: Snapshot): readonly ConfigProblem[] {
  const custom = snapshot.authorizationPolicies.filter(({ spec }) => spec.action === "CUSTOM");
  return [
    ...custom.flatMap((policy) => {
      const messages = [...missingProvider(snapshot, policy), ...otherProviders(snapshot, policy), ...tooEarly(policy)];
      return messages.map((message) => ({ object: policy.origin, message }));
    }),
    ...snapshot.authorizationPolicies.flatMap((policy) => unenforced(snapshot, policy)),
    ...claimsWithoutTokens(snapshot),
  ];
}

type Policy = Config<AuthorizationPolicy>;

/** As in Istio, what such a policy would ask about is refused. */
function missingProvider(snapshot: Snapshot, { spec }: Policy): readonly string[] {
  const found = findAuthorizer(snapshot, spec.provider?.name ?? "");
  if (!("problem" in found)) return [];
  return [spec.dryRun ? found.problem : `${found.problem}; what the policy matches is denied`];
}

function otherProviders(snapshot: Snapshot, policy: Policy): readonly string[] {
  if (policy.spec.dryRun) return [];
  for (const workload of selected(snapshot, policy)) {
    const beside = inForceFor(snapshot.authorizationPolicies, workload, snapshot.mesh.rootNamespace);
    const names = providersOf(beside.filter(({ spec }) => spec.action === "CUSTOM"));
    if (names.length < 2) continue;
    return [
      `workload ${workload.namespace}/${workload.workloadName} has CUSTOM policies of several providers (${names.join(", ")}): all they match is denied`,
    ];
  }
  return [];
}

/** Tokens are read when the authorizer has answered. */
function tooEarly({ spec }: Policy): readonly string[] {
  const asks = spec.rules.some(
    ({ from, when }) =>
      (from ?? []).some(
        ({ source }) => source.requestPrincipals !== undefined || source.notRequestPrincipals !== undefined,
      ) || (when ?? []).some(({ key }) => key.startsWith("request.auth.")),
  );
  return asks
    ? ["a CUSTOM policy is asked before tokens are read: it cannot ask for request.auth or requestPrincipals"]
    : [];
}

/** ztunnels enforce neither CUSTOM nor AUDIT; a waypoint does. Source: Istio, "Layer 4 security policy". */
function unenforced(snapshot: Snapshot, policy: Policy): readonly ConfigProblem[] {
  const { action, targetRef, targetRefs } = policy.spec;
  const targeted = targetRef !== undefined || (targetRefs ?? []).length > 0;
  if ((action !== "CUSTOM" && action !== "AUDIT") || targeted) return [];
  const ambient = selected(snapshot, policy).find(({ captured }) => captured);
  if (ambient === undefined) return [];
  return [
    {
      object: policy.origin,
      message: `${ambient.namespace}/${ambient.workloadName} is in ambient mode: its ztunnel does not enforce ${action}; name a waypoint by targetRefs (IST0167)`,
    },
  ];
}

function selected(snapshot: Snapshot, policy: Policy): readonly Workload[] {
  return [...snapshot.workloads.values()].filter(
    (workload) => inForceFor([policy], workload, snapshot.mesh.rootNamespace).length > 0,
  );
}

function claimsWithoutTokens(snapshot: Snapshot): readonly ConfigProblem[] {
  return snapshot.gateways.flatMap((gateway) => {
    const blind = gatewayWithoutTokens(snapshot, gateway);
    if (blind === undefined) return [];
    return boundTo(snapshot, gateway)
      .filter(({ spec }) => routesOnClaims(spec))
      .map(({ origin }) => ({
        object: origin,
        message: `routes on claims, but no RequestAuthentication is for ${blind} behind gateway ${nameOf(gateway)}: none matches (IST0149)`,
      }));
  });
}

/** A workload that serves a Gateway and reads no tokens. */
function gatewayWithoutTokens(snapshot: Snapshot, gateway: Config<GatewaySpec>): string | undefined {
  const { requestAuthentications, mesh, workloads } = snapshot;
  const blind = [...workloads.values()].find(
    (workload) =>
      hasLabels(workload.labels, gateway.spec.selector ?? {}) &&
      inForceFor(requestAuthentications, workload, mesh.rootNamespace).length === 0,
  );
  return blind === undefined ? undefined : `${blind.namespace}/${blind.workloadName}`;
}
