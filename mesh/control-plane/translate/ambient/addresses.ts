import {
  Address,
  type GatewayAddress,
  NetworkMode,
  TunnelProtocol,
  Workload as WorkloadMessage,
  WorkloadStatus,
  WorkloadType,
} from "#gen/istio/istio/workload/workload.ts";
import type { Locality, Service, Snapshot, Workload } from "../../model/snapshot.ts";
import { loadBalancingOf } from "./load-balancing.ts";
import type { Services } from "./memberships.ts";

/** Name of a service's resource. Source: Istio's workload API. */
export const serviceKey = ({ namespace, hostname }: Pick<Service, "namespace" | "hostname">): string =>
  `${namespace}/${hostname}`;

/** Name of a workload's resource: cluster, group (none for pods), kind, namespace, name. */
export const workloadUid = ({ namespace, name }: Pick<Workload, "namespace" | "name">, clusterId: string): string =>
  `${clusterId}//Pod/${namespace}/${name}`;

/** @param subjectAltNames (of the second) names that its servers may prove beside those of their workloads */
export function serviceAddress(
  service: Service,
  {
    subjectAltNames,
    waypoint,
  }: { readonly subjectAltNames: readonly string[]; readonly waypoint: GatewayAddress | undefined },
): Address {
  const { name, namespace, hostname, autoAddress, ports } = service;
  const addresses = autoAddress === undefined ? service.addresses : [autoAddress];
  const value = {
    name,
    namespace,
    hostname,
    addresses: addresses.flatMap(addressBytes).map((address) => ({ network: "", address })),
    ports: ports.map(({ port, targetPort }) => ({
      servicePort: port,
      // A named port differs between workloads: each says its own.
      targetPort: typeof targetPort === "number" ? targetPort : 0,
    })),
    subjectAltNames: [...subjectAltNames],
    loadBalancing: loadBalancingOf(service),
    waypoint,
  };
  return Address.fromPartial({ type: { $case: "service", value } });
}

export interface WorkloadContext {
  readonly snapshot: Pick<Snapshot, "clusterId" | "mesh">;
  readonly services: Services;
  /** "namespace/name" of policies that select the workload. */
  readonly policies: readonly string[];
  readonly locality: Locality | undefined;
  readonly waypoint: GatewayAddress | undefined;
}

export function workloadAddress(
  workload: Workload,
  { snapshot, services, policies, locality, waypoint }: WorkloadContext,
): Address {
  const { clusterId, mesh } = snapshot;
  const value = WorkloadMessage.fromPartial({
    uid: workloadUid(workload, clusterId),
    name: workload.name,
    namespace: workload.namespace,
    addresses: addressBytes(workload.address),
    tunnelProtocol: workload.takesHbone ? TunnelProtocol.HBONE : TunnelProtocol.NONE,
    nativeTunnel: workload.takesHbone && !workload.captured,
    waypoint,
    trustDomain: mesh.trustDomain,
    serviceAccount: workload.serviceAccount,
    node: workload.node,
    canonicalName: workload.canonicalName,
    canonicalRevision: workload.canonicalRevision,
    workloadType: workload.workloadName === workload.name ? WorkloadType.POD : WorkloadType.DEPLOYMENT,
    workloadName: workload.workloadName,
    authorizationPolicies: [...policies],
    // A service names its ready workloads only; who dials a pod itself wants that pod, ready or not.
    status: WorkloadStatus.HEALTHY,
    clusterId,
    services: Object.fromEntries(Object.entries(services).map(([key, ports]) => [key, { ports: [...ports] }])),
    ...(locality === undefined ? {} : { locality }),
    networkMode: workload.hostNetwork ? NetworkMode.HOST_NETWORK : NetworkMode.STANDARD,
  });
  return Address.fromPartial({ type: { $case: "workload", value } });
}

/** An IPv4 address in network order; nothing for other text: the cluster has no other addresses. */
export function addressBytes(address: string): Buffer[] {
  const octets = address.split(".").map(Number);
  const valid = octets.length === 4 && octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  return valid ? [Buffer.from(octets)] : [];
}
