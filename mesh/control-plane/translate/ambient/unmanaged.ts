import { Address, WorkloadStatus, WorkloadType } from "#gen/istio/istio/workload/workload.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import { addressBytes, serviceKey } from "./addresses.ts";
import { mappingOf } from "./memberships.ts";

/**
 * Endpoints that are no pods (the API server, addresses of a ServiceEntry): a ztunnel finds a service's endpoints among workloads, so
 * each becomes one, by the name that Istio gives it. Nobody has captured them.
 */
export function unmanagedWorkloads(
  snapshot: Pick<Snapshot, "clusterId" | "endpoints">,
  service: Service,
): readonly (readonly [name: string, address: Address])[] {
  return (snapshot.endpoints.get(service.hostname) ?? []).flatMap(({ address, ports, workload }) => {
    const addresses = addressBytes(address);
    if (workload !== undefined || addresses.length === 0) return [];
    const name = `${service.name}/${address}`;
    const uid = `${snapshot.clusterId}/discovery.k8s.io/EndpointSlice/${service.namespace}/${name}`;
    const value = {
      uid,
      name,
      namespace: service.namespace,
      addresses,
      workloadType: WorkloadType.DEPLOYMENT,
      workloadName: service.name,
      canonicalName: service.name,
      canonicalRevision: "latest",
      status: WorkloadStatus.HEALTHY,
      clusterId: snapshot.clusterId,
      services: { [serviceKey(service)]: { ports: [...mappingOf(service, ports)] } },
    };
    return [[uid, Address.fromPartial({ type: { $case: "workload", value } })] as const];
  });
}
