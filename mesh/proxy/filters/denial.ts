/** As Envoy says it in its access log, without white space, which would end the field there. */
export const deniedDetails = (policy: string | undefined): string =>
  `rbac_access_denied_matched_policy[${(policy ?? "none").replace(/\s/g, "_")}]`;

/** Istio's control plane writes namespace and name of the manifest into the rule's name. */
export function manifestOf(policy = ""): { readonly decidedBy?: string } {
  const [, namespace, name] = /^ns\[([^\]]+)\]-policy\[([^\]]+)\]/.exec(policy) ?? [];
  if (namespace === undefined || name === undefined) return {};
  return { decidedBy: `/apis/security.istio.io/v1/namespaces/${namespace}/authorization-policy/${name}` };
}
