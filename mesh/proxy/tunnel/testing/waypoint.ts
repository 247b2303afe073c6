import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { Router } from "#gen/xds/envoy/extensions/filters/http/router/v3/router.ts";
import { Config as SetFilterState } from "#gen/xds/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.ts";
import { HttpInspector } from "#gen/xds/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts";
import { OriginalDst } from "#gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import {
  ApplicationProtocolInput,
  DestinationIPInput,
  DestinationPortInput,
} from "#gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs.ts";
import { InternalUpstreamTransport } from "#gen/xds/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.ts";
import { RawBuffer } from "#gen/xds/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { StringValue } from "#gen/xds/google/protobuf/wrappers.ts";
import { IPMatcher } from "#gen/xds/xds/type/matcher/v3/ip.ts";
import {
  clusterOf,
  downstreamTls,
  httpFilter,
  listenerOf,
  pack,
  upstreamTls,
} from "../../listener/testing/resources.ts";

/** Configuration as Istio's control plane writes it for a waypoint, with loopback in the place of pods. */
interface Codec<Message> {
  fromJSON(object: unknown): Message;
  encode(message: Message): { finish(): Uint8Array };
}

export function packed<Message>(type: string, codec: Codec<Message>, json: object) {
  const { typeUrl, value } = pack(type, codec, json);
  return { typeUrl, value: value.toString("base64") };
}

export const meshTls = (names: readonly object[] = [{ prefix: "spiffe://cluster.local/" }]) => ({
  alpnProtocols: ["h2"],
  tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3", tlsMaximumProtocolVersion: "TLSv1_3" },
  tlsCertificateSdsSecretConfigs: [{ name: "default" }],
  combinedValidationContext: {
    defaultValidationContext: { matchTypedSubjectAltNames: names.map((matcher) => ({ sanType: "URI", matcher })) },
    validationContextSdsSecretConfig: { name: "ROOTCA" },
  },
});

const filterState = (objectKey: string, text: string) => ({
  objectKey,
  formatString: { textFormatSource: { inlineString: text } },
  sharedWithUpstream: "ONCE",
});

const connectAuthority = {
  name: "connect_authority",
  typedConfig: packed("envoy.extensions.filters.http.set_filter_state.v3.Config", SetFilterState, {
    onRequestHeaders: [
      filterState("envoy.filters.listener.original_dst.local_ip", "%REQ(:AUTHORITY)%"),
      filterState("envoy.filters.listener.original_dst.remote_ip", "%DOWNSTREAM_REMOTE_ADDRESS%"),
      { ...filterState("io.istio.peer_principal", "%DOWNSTREAM_PEER_URI_SAN%"), factoryKey: "envoy.string" },
      { ...filterState("io.istio.local_principal", "%DOWNSTREAM_LOCAL_URI_SAN%"), factoryKey: "envoy.string" },
    ],
  }),
};

const router = {
  name: "envoy.filters.http.router",
  typedConfig: packed("envoy.extensions.filters.http.router.v3.Router", Router, {}),
};

const originalDst = {
  name: "envoy.filters.listener.original_dst",
  typedConfig: packed("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", OriginalDst, {}),
};

const httpInspector = {
  name: "envoy.filters.listener.http_inspector",
  typedConfig: packed("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector", HttpInspector, {}),
};

export function connectTerminate(port = 0) {
  const manager = {
    routeConfig: {
      name: "default",
      virtualHosts: [
        {
          name: "default",
          domains: ["*"],
          routes: [
            {
              match: { connectMatcher: {} },
              route: { cluster: "main_internal", upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig: {} }] },
            },
          ],
        },
      ],
    },
    httpFilters: [connectAuthority, router],
    upgradeConfigs: [{ upgradeType: "CONNECT" }],
    http2ProtocolOptions: { allowConnect: true },
    streamIdleTimeout: { seconds: 0 },
  };
  const transportSocket = downstreamTls({ requireClientCertificate: true, commonTlsContext: meshTls() });
  const chains = [{ name: "default", transportSocket, filters: [httpFilter(manager)] }];
  return listenerOf({ name: "connect_terminate", port, chains });
}

const internal = (name: string, listener: object) => ({ ...listenerOf({ name, chains: [], rest: listener }) });

export function tcpProxy(json: object) {
  const type = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  return { name: "envoy.filters.network.tcp_proxy", typedConfig: packed(type, TcpProxy, { statPrefix: "t", ...json }) };
}

export const connectOriginate = () =>
  internal("connect_originate", {
    address: undefined,
    internalListener: {},
    listenerFilters: [originalDst],
    filterChains: [
      {
        filters: [
          tcpProxy({
            cluster: "connect_originate",
            tunnelingConfig: { hostname: "%DOWNSTREAM_LOCAL_ADDRESS%" },
          }),
        ],
      },
    ],
  });

const input = (name: string, codec: Codec<unknown>) => ({
  name,
  typedConfig: packed(`envoy.extensions.matching.common_inputs.network.v3.${name}`, codec, {}),
});

const chainNamed = (name: string) => ({
  action: { name, typedConfig: packed("google.protobuf.StringValue", StringValue, { value: name }) },
});

const byProtocol = (http: string, tcp: string) => ({
  matcher: {
    matcherTree: {
      input: input("ApplicationProtocolInput", ApplicationProtocolInput),
      exactMatchMap: { map: { "'h2c'": chainNamed(http), "'http/1.1'": chainNamed(http) } },
    },
    onNoMatch: chainNamed(tcp),
  },
});

const byPort = (port: number, chain: string) => ({
  matcher: {
    matcherTree: {
      input: input("DestinationPortInput", DestinationPortInput),
      exactMatchMap: { map: { [port]: chainNamed(chain) } },
    },
  },
});

export interface MainInternal {
  /** Address and port of the service. */
  readonly service: { readonly address: string; readonly port: number };
  /** Filters before the router of requests to the service. */
  readonly filters?: readonly object[];
  readonly manager?: object;
  /** Pods that may be called directly. */
  readonly pods?: readonly string[];
}

const toCluster = (cluster: string) => ({
  name: cluster,
  virtualHosts: [
    {
      name: "inbound|http|80",
      domains: ["*"],
      routes: [{ name: "default", match: { prefix: "/" }, route: { cluster, timeout: { seconds: 0 } } }],
    },
  ],
});

export const VIP_CLUSTER = "inbound-vip|80|http|cart.shop.svc.cluster.local";

export function mainInternal({ service, filters = [], manager = {}, pods = [] }: MainInternal) {
  const http = (cluster: string) =>
    httpFilter({ routeConfig: toCluster(cluster), httpFilters: [...filters, router], ...manager });
  const ranges = [
    { ranges: [{ addressPrefix: service.address, prefixLen: 32 }], onMatch: byPort(service.port, VIP_CLUSTER) },
    ...pods.map((address) => ({
      ranges: [{ addressPrefix: address, prefixLen: 32 }],
      onMatch: byProtocol("direct-http", "direct-tcp"),
    })),
  ];
  return internal("main_internal", {
    address: undefined,
    internalListener: {},
    trafficDirection: "INBOUND",
    listenerFilters: [originalDst, ...(pods.length === 0 ? [] : [httpInspector])],
    filterChains: [
      { name: VIP_CLUSTER, filters: [http(VIP_CLUSTER)] },
      { name: "direct-http", filters: [http("encap")] },
      { name: "direct-tcp", filters: [tcpProxy({ cluster: "encap" })] },
    ],
    filterChainMatcher: {
      matcherTree: {
        input: input("DestinationIPInput", DestinationIPInput),
        customMatch: {
          name: "ip",
          typedConfig: packed("xds.type.matcher.v3.IPMatcher", IPMatcher, { rangeMatchers: ranges }),
        },
      },
    },
  });
}

const internalSocket = {
  name: "internal_upstream",
  typedConfig: packed(
    "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
    InternalUpstreamTransport,
    {
      passthroughMetadata: [{ kind: { host: {} }, name: "envoy.filters.listener.original_dst" }],
      transportSocket: {
        name: "raw_buffer",
        typedConfig: packed("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", RawBuffer, {}),
      },
    },
  ),
};

interface Pod {
  readonly address: string;
  readonly port: number;
  /** Its service's waypoint, where that is to be called in its place. */
  readonly waypoint?: string;
  /** "workload;namespace;canonical name;canonical revision;cluster". */
  readonly workload?: string;
}

/** A cluster whose endpoints are reached through an internal listener. */
export function internalCluster(name: string, listener: string, pods: readonly (Pod | undefined)[] = [undefined]) {
  const lbEndpoints = pods.map((pod) => {
    const local = pod && `${pod.address}:${pod.port}`;
    return {
      endpoint: { address: { envoyInternalAddress: { serverListenerName: listener, endpointId: local ?? "" } } },
      ...(pod === undefined
        ? {}
        : {
            metadata: {
              filterMetadata: {
                "envoy.filters.listener.original_dst": {
                  local,
                  ...(pod.waypoint === undefined ? {} : { waypoint: pod.waypoint }),
                },
                istio: { workload: pod.workload ?? "cart-v1;shop;cart;v1;Kubernetes" },
              },
            },
          }),
    };
  });
  return clusterOf(name, [], {
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints }] },
    transportSocket: internalSocket,
    metadata: {
      filterMetadata: {
        istio: { services: [{ host: "cart.shop.svc.cluster.local", name: "cart", namespace: "shop" }] },
      },
    },
  });
}

/** @param port of the tunnels' ends; 15008 outside of tests */
export function originateCluster(port: number, names?: readonly object[]) {
  const resource = Cluster.fromJSON({
    name: "connect_originate",
    type: "ORIGINAL_DST",
    lbPolicy: "CLUSTER_PROVIDED",
    connectTimeout: { seconds: 1 },
    originalDstLbConfig: {
      upstreamPortOverride: port,
      metadataKey: { key: "envoy.filters.listener.original_dst", path: [{ key: "waypoint" }] },
    },
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        HttpProtocolOptions,
        { explicitHttpConfig: { http2ProtocolOptions: { allowConnect: true } } },
      ),
    },
    transportSocket: upstreamTls({ commonTlsContext: meshTls(names) }),
  });
  return { name: "connect_originate", version: "1", resource };
}

export const rbac = (json: object) => ({
  name: "envoy.filters.http.rbac",
  typedConfig: packed("envoy.extensions.filters.http.rbac.v3.RBAC", RBAC, json),
});
