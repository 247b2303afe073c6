import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { coreV1, type Disposer, type Resources, type ResourceType } from "../machinery/resources.ts";
import { type NetworkPolicy, type PolicyPod, type PolicyRules, policyRules } from "./policy-rules.ts";

/** The rules of all network policies as they are now. */
export interface PolicySource {
  rules(): PolicyRules;
  /** Called when they may have become others. */
  onChange(listener: () => void): Disposer;
  close(): void;
}

const networkPolicies: ResourceType = { group: "networking.k8s.io", version: "v1", resource: "networkpolicies" };

/** Follows network policies and whom they are about. Resolves when all are known. */
export async function watchPolicies(resources: Resources, dnsServer: string): Promise<PolicySource> {
  const policies = watchCache<NetworkPolicy>(resources, networkPolicies);
  const pods = watchCache<PolicyPod>(resources, coreV1("pods"));
  const namespaces = watchCache<KubeObject>(resources, coreV1("namespaces"));
  await Promise.all([policies.synced, pods.synced, namespaces.synced]);
  const names = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
  const sorted = (): readonly NetworkPolicy[] => [...policies.all()].toSorted((a, b) => (names(a) < names(b) ? -1 : 1));
  return {
    rules: () => policyRules({ policies: sorted(), pods: pods.all(), namespaces: namespaces.all(), dnsServer }),
    onChange: (listener) => {
      // Where nobody has made a policy, pods and namespaces come and go without any work.
      const whenUsed = (): void => {
        if (!policies.all()[Symbol.iterator]().next().done) listener();
      };
      const disposers = [policies.onChange(listener), pods.onChange(whenUsed), namespaces.onChange(whenUsed)];
      return () => {
        for (const dispose of disposers) dispose();
      };
    },
    close: () => {
      for (const cache of [policies, pods, namespaces]) cache.close();
    },
  };
}
