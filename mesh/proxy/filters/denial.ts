import type { Verdict } from "../../lib/policy/rbac.ts";

/** Rules under this prefix decide nothing, but whether an external authorizer is asked. Source: Istio's action CUSTOM. */
export const ASKING = "istio_ext_authz_";

/** What shadow rules found, for the filters after them, under Envoy's names. */
export const shadowFindings = (prefix: string, { policy, allowed }: Verdict): object => ({
  [`${prefix}shadow_engine_result`]: allowed ? "allowed" : "denied",
  ...(policy === undefined ? {} : { [`${prefix}shadow_effective_policy_id`]: policy }),
});

/** As Envoy says it in its access log, without white space, which would end the field there. */
export const deniedDetails = (policy: string | undefined): string =>
  `rbac_access_denied_matched_policy[${oneWord(policy ?? "none")}]`;

/** Envoy's words for what an external authorizer did, and the rule because of which it was asked. */
export function authorizerDetails(
  kind: "ext_authz_denied" | "ext_authz_error",
  policy: string | undefined,
  reason = "",
): string {
  const matched = policy === undefined ? "" : `_matched_policy[${oneWord(policy)}]`;
  return `${kind}${matched}${reason === "" ? "" : `{${oneWord(reason)}}`}`;
}

const oneWord = (text: string): string => text.replace(/\s/g, "_");

/** Istio's control plane writes namespace and name of the manifest into the rule's name. */
export function manifestOf(policy = ""): { readonly decidedBy?: string } {
  const [, namespace, name] = /(?:^|-)ns\[([^\]]+)\]-policy\[([^\]]+)\]-rule\[/.exec(policy) ?? [];
  if (namespace === undefined || name === undefined) return {};
  return { decidedBy: `/apis/security.istio.io/v1/namespaces/${namespace}/authorization-policy/${name}` };
}
