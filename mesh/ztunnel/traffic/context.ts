import type { Workload } from "#gen/istio/istio/workload/workload.ts";
import type { CaptureMethod } from "#mesh/capture/capture-method.ts";
import type { NetworkNamespace } from "#mesh/capture/namespaces.ts";
import type { Certificates } from "../certificates.ts";
import type { DnsSettings } from "../dns/settings.ts";
import type { PartLog } from "../log.ts";
import type { AddressBook } from "../state/address-book.ts";
import type { ConnectionFacts, Policies, Verdict } from "../state/policies.ts";
import type { Connections } from "../telemetry/connections.ts";

/** What all captured pods share. */
export interface ProxyContext {
  readonly book: AddressBook;
  readonly policies: Policies;
  readonly certificates: Certificates;
  readonly connections: Connections;
  readonly dns: DnsSettings;
  readonly log: PartLog;
  readonly cluster: string;
  readonly random: () => number;
}

/** A pod of this node whose traffic the node's proxy has. */
export interface CapturedPod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** SPIFFE id. */
  readonly identity: string;
  readonly network: NetworkNamespace;
  /** How its traffic gets here. */
  readonly capture: CaptureMethod;
  /** Where the kubelet's probes may come from, and the ports that they ask. */
  readonly nodeAddresses: ReadonlySet<string>;
  readonly probedPorts: ReadonlySet<number>;
}

/** The pod as the control plane tells it. */
export const workloadOf = ({ book, cluster }: ProxyContext, { namespace, name }: CapturedPod): Workload | undefined =>
  book.workload(`${cluster}//Pod/${namespace}/${name}`);

/** Whether policies let a connection into a pod. */
export function checkInbound(context: ProxyContext, pod: CapturedPod, facts: ConnectionFacts): Verdict {
  const authorizationPolicies = workloadOf(context, pod)?.authorizationPolicies ?? [];
  return context.policies.check({ namespace: pod.namespace, authorizationPolicies }, facts);
}

export const POLICY_REJECTION = "connection closed due to policy rejection";
