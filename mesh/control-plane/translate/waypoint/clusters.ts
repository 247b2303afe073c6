import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import type { Service, ServicePort } from "../../model/snapshot.ts";
import type { Upstreams } from "../collect.ts";
import { buildEndpoints } from "../endpoints.ts";
import { internalSocket } from "../hbone/internal.ts";
import { vipCluster } from "../names.ts";
import { buildOutboundClusters } from "../outbound-clusters.ts";
import type { OutboundContext } from "../outbound-routes.ts";
import type { DestinationRule } from "../scope.ts";
import { plainSocket } from "../tls.ts";
import { policyFor } from "../traffic-policy.ts";
import { readingsOf } from "./members.ts";

/** Clusters to the services behind the waypoint and to their subsets; their endpoints are tunnels wherever one can be had. */
export function vipUpstreams(context: OutboundContext, services: readonly Service[]): Upstreams {
  const { snapshot, scope, memo, proxy } = context;
  const deps = [services, snapshot.endpoints, snapshot.destinationRules, snapshot.peerAuthentications, snapshot.mesh];
  return memo.get(`vip-upstreams ${proxy.id}`, deps, () => {
    const all = services.map((service) => {
      const rule = scope.destinationRule(service.hostname, service.namespace);
      const own = [rule, snapshot.endpoints.get(service.hostname), snapshot.peerAuthentications, snapshot.mesh];
      return memo.of(service, `vip-upstreams ${proxy.namespace}`, own, () =>
        joined(service.ports.map((port) => portUpstreams(context, { service, port, rule }))),
      );
    });
    const { clusters, endpoints } = joined(all);
    return { clusters: memo.get(`vip-clusters ${proxy.id}`, clusters, () => clusters), endpoints };
  });
}

const joined = (parts: readonly Upstreams[]): Upstreams => ({
  clusters: parts.flatMap(({ clusters }) => clusters),
  endpoints: new Map(parts.flatMap(({ endpoints }) => [...endpoints])),
});

interface Target {
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: DestinationRule | undefined;
}

function portUpstreams({ snapshot, memo, proxy }: OutboundContext, target: Target): Upstreams {
  const { service, port, rule } = target;
  const readings = readingsOf(port);
  if (readings.length === 0) return { clusters: [], endpoints: new Map() };
  const clusters: Cluster[] = [];
  const endpoints = new Map<string, ClusterLoadAssignment>();
  const outbound = buildOutboundClusters(
    { snapshot, ...target, asDialled: false, credentials: true, tunnels: false },
    memo,
  );
  for (const [index, cluster] of outbound.entries()) {
    const subset = index === 0 ? undefined : rule?.spec.subsets?.[index - 1];
    const tls = policyFor(rule?.spec.trafficPolicy, subset?.trafficPolicy, port.port).tls?.mode;
    const own = tls === "SIMPLE" || tls === "MUTUAL";
    for (const reading of readings) {
      const name = vipCluster(port.port, reading, subset?.name ?? "", service.hostname);
      const build = () => throughTunnel(cluster, name, own);
      clusters.push(memo.of(cluster, `vip ${proxy.namespace} ${reading}`, [own], build));
      if (cluster.edsClusterConfig === undefined) continue;
      const wanted = subset === undefined ? undefined : { name: subset.name, labels: subset.labels ?? {} };
      const request = { snapshot, service, port, subset: wanted, tunnel: "always" as const, clusterName: name };
      endpoints.set(name, buildEndpoints(request, memo));
    }
  }
  return { clusters, endpoints };
}

/** A cluster as clients have it, with tunnels in place of the mesh's mutual TLS; TLS of the rule's own goes on inside of them. */
function throughTunnel(cluster: Cluster, name: string, ownTls: boolean): Cluster {
  const { edsClusterConfig, loadAssignment } = cluster;
  const inner = ownTls ? (cluster.transportSocket ?? plainSocket()) : plainSocket();
  return {
    ...cluster,
    name,
    edsClusterConfig: edsClusterConfig && { ...edsClusterConfig, serviceName: name },
    loadAssignment: loadAssignment && { ...loadAssignment, clusterName: name },
    transportSocketMatches: [],
    transportSocket: internalSocket(inner, ["host"]),
  };
}
