import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Service } from "../model/snapshot.ts";
import { buildEndpoints } from "./endpoints.ts";
import { buildOutboundClusters } from "./outbound-clusters.ts";
import type { OutboundContext } from "./outbound-routes.ts";

export const byName = <Resource extends { readonly name: string }>(
  resources: Iterable<Resource>,
): Map<string, Resource> => new Map([...resources].map((resource) => [resource.name, resource]));

export interface Upstreams {
  readonly clusters: readonly Cluster[];
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
}

/** Clusters to services, with the endpoints of those that take them from us. */
export function collectUpstreams(context: OutboundContext, services: readonly Service[]): Upstreams {
  const { snapshot, scope, memo } = context;
  const clusters: Cluster[] = [];
  const endpoints = new Map<string, ClusterLoadAssignment>();
  for (const service of services) {
    const rule = scope.destinationRule(service.hostname, service.namespace);
    for (const port of service.ports.filter(({ protocol }) => protocol !== "udp")) {
      const built = buildOutboundClusters({ snapshot, service, port, rule }, memo);
      clusters.push(...built);
      built.forEach((cluster, index) => {
        if (cluster.edsClusterConfig === undefined) return;
        const subset = index === 0 ? undefined : rule?.spec.subsets?.[index - 1];
        const wanted = subset === undefined ? undefined : { name: subset.name, labels: subset.labels ?? noLabels };
        endpoints.set(cluster.name, buildEndpoints({ snapshot, service, port, subset: wanted }, memo));
      });
    }
  }
  return { clusters, endpoints };
}

const noLabels: Readonly<Record<string, string>> = {};
