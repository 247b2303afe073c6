import { Cluster, Cluster_DiscoveryType } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Address } from "#gen/xds/envoy/config/core/v3/address.ts";
import type { TransportSocket } from "#gen/xds/envoy/config/core/v3/base.ts";
import { LbEndpoint } from "#gen/xds/envoy/config/endpoint/v3/endpoint_components.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import {
  InternalUpstreamTransport,
  type InternalUpstreamTransport_MetadataValueSource,
} from "#gen/xds/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { pack } from "../any.ts";
import { plainSocket } from "../tls.ts";
import { policyParts } from "../traffic-policy.ts";
import { ORIGINAL_DESTINATION } from "./names.ts";

/** A listener that is reached from inside the same proxy only. */
export const internalListener: Pick<Listener, "listenerSpecifier"> = {
  listenerSpecifier: { $case: "internalListener", value: {} },
};

/** An endpoint that is an internal listener; the id tells several of them apart. */
export const internalEndpoint = (listener: string, endpointId: string): LbEndpoint => ({
  ...LbEndpoint.fromPartial({ loadBalancingWeight: 1 }),
  hostIdentifier: {
    $case: "endpoint",
    value: {
      hostname: "",
      additionalAddresses: [],
      address: Address.fromPartial({
        address: {
          $case: "envoyInternalAddress",
          value: { addressNameSpecifier: { $case: "serverListenerName", value: listener }, endpointId },
        },
      }),
    },
  },
});

/** What an endpoint tells the internal listener: "address:port" behind the tunnel. */
export const tunnelMetadata = (target: string): Record<string, Record<string, unknown>> => ({
  [ORIGINAL_DESTINATION]: { local: target },
});

/** Connects to an internal listener and hands metadata of the chosen endpoint over to it. */
export function internalSocket(inner: TransportSocket, passed: readonly ("host" | "cluster")[]): TransportSocket {
  const source = (kind: "host" | "cluster", name: string): InternalUpstreamTransport_MetadataValueSource => ({
    kind: { kind: { $case: kind, value: {} } },
    name,
  });
  const passthroughMetadata = [
    ...(passed.includes("host") ? [source("host", ORIGINAL_DESTINATION)] : []),
    ...passed.map((kind) => source(kind, "istio")),
  ];
  return {
    name: "envoy.transport_sockets.internal_upstream",
    configType: {
      $case: "typedConfig",
      value: pack(
        "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
        InternalUpstreamTransport,
        { passthroughMetadata, transportSocket: inner },
      ),
    },
  };
}

/** A cluster that is one internal listener. */
export function internalCluster(name: string, listener: string): Cluster {
  const http = HttpProtocolOptions.fromPartial({
    upstreamProtocolOptions: {
      $case: "useDownstreamProtocolConfig",
      value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  });
  return {
    ...Cluster.fromPartial({
      name,
      clusterDiscoveryType: { $case: "type", value: Cluster_DiscoveryType.STATIC },
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [internalEndpoint(listener, "")] }],
      },
      typedExtensionProtocolOptions: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          HttpProtocolOptions,
          http,
        ),
      },
      transportSocket: internalSocket(plainSocket(), []),
    }),
    circuitBreakers: policyParts({}).circuitBreakers,
  };
}
