import { Address, WorkloadStatus, WorkloadType } from "#gen/istio/istio/workload/workload.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import { addressBytes, serviceKey } from "./addresses.ts";
import { mappingOf } from "./memberships.ts";

/** Where an endpoint is: an address, or a name that a ztunnel looks up itself. */
interface Place {
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Endpoints that are no pods (the API server, addresses and names of a ServiceEntry): a ztunnel finds a service's endpoints among workloads, so
 * each becomes one, by the name that Istio gives it. Nobody has captured them.
 */
export function unmanagedWorkloads(
  snapshot: Pick<Snapshot, "clusterId" | "endpoints">,
  service: Service,
): readonly (readonly [name: string, address: Address])[] {
  return placesOf(snapshot, service).map(({ address, ports }) => {
    const addresses = addressBytes(address);
    const name = `${service.name}/${address}`;
    const uid = `${snapshot.clusterId}/discovery.k8s.io/EndpointSlice/${service.namespace}/${name}`;
    const value = {
      uid,
      name,
      namespace: service.namespace,
      addresses,
      hostname: addresses.length === 0 ? address : "",
      workloadType: WorkloadType.DEPLOYMENT,
      workloadName: service.name,
      canonicalName: service.name,
      canonicalRevision: "latest",
      status: WorkloadStatus.HEALTHY,
      clusterId: snapshot.clusterId,
      services: { [serviceKey(service)]: { ports: [...mappingOf(service, ports)] } },
    };
    return [uid, Address.fromPartial({ type: { $case: "workload", value } })] as const;
  });
}

function placesOf({ endpoints }: Pick<Snapshot, "endpoints">, service: Service): readonly Place[] {
  const fixed = (endpoints.get(service.hostname) ?? []).filter(
    ({ address, workload }) => workload === undefined && addressBytes(address).length > 0,
  );
  // A name with a wildcard cannot be looked up.
  const named = service.dnsTargets.filter(({ address }) => !address.startsWith("*"));
  return [...fixed, ...named.map(({ address, ports }) => ({ address, ports: { ...defaultPorts(service), ...ports } }))];
}

const defaultPorts = ({ ports }: Service): Readonly<Record<string, number>> =>
  Object.fromEntries(
    ports.flatMap(({ name, targetPort }) => (typeof targetPort === "number" ? [[name, targetPort]] : [])),
  );
