import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { type LbEndpoint, LocalityLbEndpoints } from "#gen/xds/envoy/config/endpoint/v3/endpoint_components.ts";
import type { Endpoint, Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { lbEndpointAt } from "./address.ts";
import { internalEndpoint, tunnelMetadata } from "./hbone/internal.ts";
import { CONNECT_ORIGINATE } from "./hbone/names.ts";
import type { Memo } from "./memo.ts";
import { outboundCluster } from "./names.ts";
import { hasLabels, mtlsModeOf } from "./peer-authentication.ts";

export interface EndpointsRequest {
  readonly snapshot: Snapshot;
  readonly service: Service;
  readonly port: ServicePort;
  readonly subset: { readonly name: string; readonly labels: Readonly<Record<string, string>> } | undefined;
  /** Which endpoints are reached through a tunnel of HBONE: of those that take it, none, those without mutual TLS, or all. */
  readonly tunnel: TunnelUse;
  /** Name of the cluster, where it is not that of the outbound one. */
  readonly clusterName?: string;
}

export type TunnelUse = "never" | "without-mutual-tls" | "always";

/** The endpoints of one cluster; they are the same for every client that uses tunnels alike. */
export function buildEndpoints(request: EndpointsRequest, memo: Memo): ClusterLoadAssignment {
  const { snapshot, service, port, subset, tunnel } = request;
  const name = request.clusterName ?? outboundCluster(port.port, subset?.name ?? "", service.hostname);
  const endpoints = snapshot.endpoints.get(service.hostname);
  const deps = [endpoints, port, subset?.labels, snapshot.peerAuthentications, snapshot.mesh];
  return memo.of(service, `endpoints ${tunnel} ${name}`, deps, () => {
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
  const { port, subset } = request;
  const portValue = endpoint.ports[port.name];
  if (portValue === undefined) return [];
  if (subset !== undefined && !hasLabels(endpoint.labels, subset.labels)) return [];
  const target = `${endpoint.address}:${portValue}`;
  const way = wayTo(request, endpoint, portValue);
  const filterMetadata = {
    ...transportMatch(request, way),
    ...workloadMetadata(request.snapshot, endpoint),
    ...(way === "tunnel" ? tunnelMetadata(target) : {}),
  };
  const at = way === "tunnel" ? internalEndpoint(CONNECT_ORIGINATE, target) : lbEndpointAt(endpoint.address, portValue);
  return [{ ...at, metadata: { filterMetadata, typedFilterMetadata: {} }, loadBalancingWeight: endpoint.weight }];
}

type Way = "plain" | "mutual-tls" | "tunnel";

function wayTo({ snapshot, tunnel }: EndpointsRequest, { workload }: Endpoint, port: number): Way {
  if (workload === undefined) return "plain";
  const mutual = workload.tlsMode === "istio" && mtlsModeOf(snapshot, workload)(port) !== "DISABLE";
  if (workload.takesHbone && (tunnel === "always" || (tunnel === "without-mutual-tls" && !mutual))) return "tunnel";
  return mutual ? "mutual-tls" : "plain";
}

/** Which of a cluster's transport sockets is for the endpoint. A waypoint's clusters have only one. */
function transportMatch({ tunnel }: EndpointsRequest, way: Way): Record<string, Record<string, unknown>> {
  if (tunnel === "always" || way === "plain") return {};
  return { "envoy.transport_socket_match": way === "tunnel" ? { tunnel: "http" } : { tlsMode: "istio" } };
}

/** `istio.workload` is "workload;namespace;canonical name;canonical revision;cluster", which metrics' labels are made from. */
function workloadMetadata({ clusterId }: Snapshot, { workload }: Endpoint): Record<string, Record<string, unknown>> {
  if (workload === undefined) return {};
  const fields = [workload.workloadName, workload.namespace, workload.canonicalName, workload.canonicalRevision];
  return { istio: { workload: [...fields, clusterId].join(";") } };
}
