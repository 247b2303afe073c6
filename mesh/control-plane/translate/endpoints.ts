import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { type LbEndpoint, LocalityLbEndpoints } from "#gen/xds/envoy/config/endpoint/v3/endpoint_components.ts";
import type { Endpoint, Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { lbEndpointAt } from "./address.ts";
import type { Memo } from "./memo.ts";
import { outboundCluster } from "./names.ts";
import { hasLabels, mtlsModeOf } from "./peer-authentication.ts";

export interface EndpointsRequest {
  readonly snapshot: Snapshot;
  readonly service: Service;
  readonly port: ServicePort;
  readonly subset: { readonly name: string; readonly labels: Readonly<Record<string, string>> } | undefined;
}

/** The endpoints of one outbound cluster; they are the same for every client. */
export function buildEndpoints(request: EndpointsRequest, memo: Memo): ClusterLoadAssignment {
  const { snapshot, service, port, subset } = request;
  const name = outboundCluster(port.port, subset?.name ?? "", service.hostname);
  const endpoints = snapshot.endpoints.get(service.hostname);
  const deps = [endpoints, port, subset?.labels, snapshot.peerAuthentications, snapshot.mesh];
  return memo.of(service, `endpoints ${name}`, deps, () => {
    const lbEndpoints = (endpoints ?? []).flatMap((endpoint) => toLbEndpoint(request, endpoint));
    return {
      clusterName: name,
      endpoints: lbEndpoints.length === 0 ? [] : [locality(lbEndpoints)],
      namedEndpoints: {},
      policy: undefined,
    };
  });
}

const locality = (lbEndpoints: LbEndpoint[]): LocalityLbEndpoints => ({
  ...LocalityLbEndpoints.fromPartial({ locality: {} }),
  lbEndpoints,
  loadBalancingWeight: lbEndpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 1), 0),
});

function toLbEndpoint(request: EndpointsRequest, endpoint: Endpoint): readonly LbEndpoint[] {
  const { snapshot, port, subset } = request;
  const portValue = endpoint.ports[port.name];
  if (portValue === undefined) return [];
  if (subset !== undefined && !hasLabels(endpoint.labels, subset.labels)) return [];
  return [
    {
      ...lbEndpointAt(endpoint.address, portValue),
      metadata: { filterMetadata: endpointMetadata(snapshot, endpoint, portValue), typedFilterMetadata: {} },
      loadBalancingWeight: endpoint.weight,
    },
  ];
}

/** `istio.workload` is "workload;namespace;canonical name;canonical revision;cluster", which metrics' labels are made from. */
function endpointMetadata(
  snapshot: Snapshot,
  endpoint: Endpoint,
  port: number,
): Record<string, Record<string, unknown>> {
  const { workload } = endpoint;
  if (workload === undefined) return {};
  const mutual = workload.tlsMode === "istio" && mtlsModeOf(snapshot, workload)(port) !== "DISABLE";
  const fields = [workload.workloadName, workload.namespace, workload.canonicalName, workload.canonicalRevision];
  return {
    ...(mutual ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
    istio: { workload: [...fields, snapshot.clusterId].join(";") },
  };
}
