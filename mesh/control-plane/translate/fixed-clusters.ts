import { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { BindConfig } from "#gen/xds/envoy/config/core/v3/address.ts";
import { parseDuration } from "../model/duration.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import { BLACK_HOLE, INBOUND_PASSTHROUGH, inboundCluster, PASSTHROUGH } from "./names.ts";
import { policyParts } from "./traffic-policy.ts";

/**
 * Address that a sidecar calls its own application from: the capture rules let it through, so that the call does not come back
 * to the sidecar. Source: Istio.
 */
const INBOUND_SOURCE = "127.0.0.6";

const loopbackSource = (): BindConfig =>
  BindConfig.fromPartial({
    sourceAddress: { address: INBOUND_SOURCE, portSpecifier: { $case: "portValue", value: 0 } },
  });

/** The cluster that refuses everything. */
export const blackHole = (snapshot: Snapshot): Cluster =>
  Cluster.fromPartial({
    name: BLACK_HOLE,
    clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: parseDuration(snapshot.mesh.connectTimeout),
  });

const toOriginalDestination = (name: string, snapshot: Snapshot): Cluster => ({
  ...Cluster.fromPartial({
    name,
    clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    connectTimeout: parseDuration(snapshot.mesh.connectTimeout),
  }),
  ...policyParts({}),
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
});

/** To wherever the application wanted to go. */
export const passthrough = (snapshot: Snapshot): Cluster => toOriginalDestination(PASSTHROUGH, snapshot);

/** To a port of the pod that no service names. */
export const inboundPassthrough = (snapshot: Snapshot): Cluster => ({
  ...toOriginalDestination(INBOUND_PASSTHROUGH, snapshot),
  upstreamBindConfig: loopbackSource(),
});

/** To the application behind this sidecar, on the port where the connection arrived. */
export function inboundApplication(snapshot: Snapshot, port: number, services: readonly Service[]): Cluster {
  const names = services.map(({ hostname: host, name, namespace }) => ({ host, name, namespace }));
  return {
    ...toOriginalDestination(inboundCluster(port), snapshot),
    upstreamBindConfig: loopbackSource(),
    metadata: { filterMetadata: { istio: { services: names } }, typedFilterMetadata: {} },
  };
}
