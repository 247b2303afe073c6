import { spiffeId } from "#api/names.ts";
import type { Snapshot, Workload } from "../model/snapshot.ts";
import { type Identity, identityOf } from "../serve/authenticate.ts";

/** Either whose certificate the caller may have, or why not. */
export type Impersonation =
  | { readonly allowed: true; readonly identity: Identity }
  | { readonly allowed: false; readonly reason: string };

/** Decides whether `caller` may ask for a certificate of the SPIFFE id `wanted`. */
export type AuthorizeImpersonation = (caller: Identity, wanted: string) => Impersonation;

export interface NodeAuthorizerOptions {
  /** Accounts of node proxies. */
  readonly trusted: readonly Identity[];
  /** The mesh's own and its aliases. */
  readonly trustDomains: () => readonly string[];
  /** Undefined before everything was listed. */
  readonly snapshot: () => Pick<Snapshot, "workloads"> | undefined;
}

/**
 * A node's proxy speaks for the pods beside it and for nobody else: by the pod that its token is bound to we know its node, and on
 * that node a pod of the wanted account has to run. A stolen node is then worth its own pods only. Source: Istio's CA
 * (CA_TRUSTED_NODE_ACCOUNTS), Kubernetes' node authorization.
 */
export function nodeAuthorizer({ trusted, trustDomains, snapshot }: NodeAuthorizerOptions): AuthorizeImpersonation {
  const refuse = (reason: string): Impersonation => ({ allowed: false, reason });
  return (caller, wanted) => {
    const domains = trustDomains();
    const who = spiffeId(caller.namespace, caller.serviceAccount, domains[0]);
    if (!trusted.some((account) => sameAccount(account, caller)))
      return refuse(`${who} may not ask for others' certificates`);
    const identity = identityOf(wanted, domains);
    if (identity === undefined) return refuse(`"${wanted}" is no identity of the trust domain ${domains.join(" or ")}`);
    if (caller.pod === undefined) return refuse(`the token of ${who} is bound to no pod, so its node is unknown`);
    const workloads = snapshot()?.workloads;
    const own = workloads?.get(`${caller.namespace}/${caller.pod}`);
    if (own === undefined || own.node === "" || !sameAccount(own, caller))
      return refuse(`pod ${caller.namespace}/${caller.pod} of ${who} is not known to run on a node`);
    for (const workload of workloads?.values() ?? [])
      if (workload.node === own.node && represents(workload, identity)) return { allowed: true, identity };
    return refuse(`no pod of ${wanted} runs on ${own.node}, the node of ${caller.namespace}/${caller.pod}`);
  };
}

/** Pods on the node's own network are not captured, so nobody speaks for them. */
const represents = (workload: Workload, identity: Identity): boolean =>
  !workload.hostNetwork && sameAccount(workload, identity);

export const sameAccount = (a: Identity, b: Identity): boolean =>
  a.namespace === b.namespace && a.serviceAccount === b.serviceAccount;
