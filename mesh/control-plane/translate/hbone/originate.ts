import { ports } from "#api/names.ts";
import { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { parseDuration, seconds } from "../../model/duration.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { pack } from "../any.ts";
import { originalDst } from "../listener-parts.ts";
import { hboneClientSocket } from "../tls.ts";
import { policyParts } from "../traffic-policy.ts";
import { internalListener } from "./internal.ts";
import { CONNECT_ORIGINATE, ORIGINAL_DESTINATION } from "./names.ts";

/** How long a connection without streams stays for the next ones. Source: Istio's default for HBONE. */
const IDLE_SECONDS = 3600;
/** How long an address that nobody asks for is remembered. */
const CLEANUP_SECONDS = 60;

/** What comes here is sent through a tunnel to the address that it was meant for. */
export function connectOriginateListener(): Listener {
  const proxy = pack("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", TcpProxy, {
    ...TcpProxy.fromPartial({
      statPrefix: CONNECT_ORIGINATE,
      tunnelingConfig: { hostname: "%DOWNSTREAM_LOCAL_ADDRESS%" },
    }),
    clusterSpecifier: { $case: "cluster", value: CONNECT_ORIGINATE },
  });
  return {
    ...Listener.fromPartial({ name: CONNECT_ORIGINATE, useOriginalDst: false }),
    ...internalListener,
    listenerFilters: [originalDst()],
    filterChains: [
      {
        ...FilterChain.fromPartial({}),
        filters: [{ name: "envoy.filters.network.tcp_proxy", configType: { $case: "typedConfig", value: proxy } }],
      },
    ],
  };
}

/**
 * Tunnels to whatever address is asked for, on its port 15008.
 * @param identities beginnings of the SPIFFE names that the other end may have
 */
export function connectOriginateCluster(snapshot: Snapshot, identities: readonly string[]): Cluster {
  const http = HttpProtocolOptions.fromPartial({
    commonHttpProtocolOptions: { idleTimeout: seconds(IDLE_SECONDS) },
    upstreamProtocolOptions: {
      $case: "explicitHttpConfig",
      value: { protocolConfig: { $case: "http2ProtocolOptions", value: { allowConnect: true } } },
    },
  });
  return {
    ...Cluster.fromPartial({
      name: CONNECT_ORIGINATE,
      clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      connectTimeout: parseDuration(snapshot.mesh.connectTimeout),
      cleanupInterval: seconds(CLEANUP_SECONDS),
      lbConfig: {
        $case: "originalDstLbConfig",
        value: {
          upstreamPortOverride: ports.hbone,
          // Endpoints of a service that has a waypoint name the waypoint here.
          metadataKey: { key: ORIGINAL_DESTINATION, path: [{ segment: { $case: "key", value: "waypoint" } }] },
        },
      },
      typedExtensionProtocolOptions: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          HttpProtocolOptions,
          http,
        ),
      },
      transportSocket: hboneClientSocket(identities),
    }),
    circuitBreakers: policyParts({}).circuitBreakers,
  };
}
