import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import { buildEndpoints } from "./endpoints.ts";
import type { Memo } from "./memo.ts";
import { buildOutboundClusters } from "./outbound-clusters.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import type { DestinationRule } from "./scope.ts";

export const byName = <Resource extends { readonly name: string }>(
  resources: Iterable<Resource>,
): Map<string, Resource> => {
  const map = new Map<string, Resource>();
  for (const resource of resources) map.set(resource.name, resource);
  return map;
};

export interface Upstreams {
  readonly clusters: readonly Cluster[];
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
}

/** Clusters to services, with the endpoints of those that take them from us. The same value as before if nothing of it changed. */
export function collectUpstreams(context: OutboundContext, services: readonly Service[]): Upstreams {
  const { snapshot, proxy, memo, scope } = context;
  // Gateways of one namespace lead to different services.
  const view = proxy.type === "sidecar" ? `${scope.view} ${proxy.hbone}` : proxy.id;
  const deps = [services, snapshot.endpoints, snapshot.destinationRules, snapshot.peerAuthentications, snapshot.mesh];
  return memo.get(`upstreams ${proxy.type} ${view}`, deps, () => {
    const clusters: Cluster[] = [];
    const endpoints = new Map<string, ClusterLoadAssignment>();
    for (const service of services) {
      const own = upstreamsOf(context, service);
      clusters.push(...own.clusters);
      for (const assignment of own.endpoints) endpoints.set(assignment.clusterName, assignment);
    }
    // Endpoints alone change often; then the clusters stay the very same list.
    return { clusters: memo.get(`clusters ${proxy.type} ${view}`, clusters, () => clusters), endpoints };
  });
}

interface ServiceUpstreams {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
}

/** Depends on the client's namespace only by the rule that is in force there, so namespaces share it. */
function upstreamsOf({ snapshot, scope, memo, proxy }: OutboundContext, service: Service): ServiceUpstreams {
  const rule = scope.destinationRule(service.hostname, service.namespace);
  const asDialled = service.headless && proxy.type === "sidecar";
  const credentials = usesCredentials(rule) && (proxy.type !== "sidecar" || rule?.spec.workloadSelector !== undefined);
  const tunnels = proxy.hbone;
  const key = `${asDialled} ${credentials} ${tunnels} ${rule === undefined ? "" : `${rule.origin.namespace}/${rule.origin.name}`}`;
  const deps = [rule, snapshot.endpoints.get(service.hostname), snapshot.peerAuthentications, snapshot.mesh];
  return memo.of(service, key, deps, () =>
    buildUpstreams({ snapshot, service, rule, asDialled, credentials, tunnels }, memo),
  );
}

/**
 * At sidecars a credentialName counts only in rules that select workloads: a rule for everybody would need the Secret in every
 * namespace. Source: Istio's DestinationRule reference.
 */
function usesCredentials(rule: DestinationRule | undefined): boolean {
  const policies = [rule?.spec.trafficPolicy, ...(rule?.spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
  return policies
    .flatMap((policy) => [policy?.tls, ...(policy?.portLevelSettings ?? []).map(({ tls }) => tls)])
    .some((tls) => tls?.credentialName !== undefined);
}

function buildUpstreams(
  target: {
    snapshot: Snapshot;
    service: Service;
    rule: DestinationRule | undefined;
    asDialled: boolean;
    credentials: boolean;
    tunnels: boolean;
  },
  memo: Memo,
): ServiceUpstreams {
  const { snapshot, service, rule } = target;
  const tunnel = target.tunnels ? "without-mutual-tls" : "never";
  const clusters: Cluster[] = [];
  const endpoints: ClusterLoadAssignment[] = [];
  for (const port of service.ports.filter(({ protocol }) => protocol !== "udp")) {
    const built = buildOutboundClusters({ ...target, port }, memo);
    clusters.push(...built);
    built.forEach((cluster, index) => {
      if (cluster.edsClusterConfig === undefined) return;
      const subset = index === 0 ? undefined : rule?.spec.subsets?.[index - 1];
      const wanted = subset === undefined ? undefined : { name: subset.name, labels: subset.labels ?? noLabels };
      endpoints.push(buildEndpoints({ snapshot, service, port, subset: wanted, tunnel }, memo));
    });
  }
  return { clusters, endpoints };
}

const noLabels: Readonly<Record<string, string>> = {};
