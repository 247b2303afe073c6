import { expect, test } from "vitest";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { anyToJson, messageToJson } from "./any-json.ts";
import { typeUrls } from "./envoy-types.ts";

const tcpProxy = TcpProxy.fromPartial({
  statPrefix: "tcp",
  clusterSpecifier: { $case: "cluster", value: "PassthroughCluster" },
});

test("opens Any fields and keeps the names of the proto files", () => {
  const listener = Listener.fromPartial({
    name: "virtualOutbound",
    filterChains: [
      {
        name: "catch-all",
        filters: [
          {
            name: "envoy.filters.network.tcp_proxy",
            configType: {
              $case: "typedConfig",
              value: {
                typeUrl: "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                value: Buffer.from(TcpProxy.encode(tcpProxy).finish()),
              },
            },
          },
        ],
      },
    ],
    listenerFiltersTimeout: { seconds: 0, nanos: 0 },
    useOriginalDst: true,
  });
  expect(messageToJson(typeUrls.listener, Listener.toJSON(listener))).toEqual({
    "@type": typeUrls.listener,
    name: "virtualOutbound",
    filter_chains: [
      {
        name: "catch-all",
        filters: [
          {
            name: "envoy.filters.network.tcp_proxy",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
              stat_prefix: "tcp",
              cluster: "PassthroughCluster",
            },
          },
        ],
      },
    ],
    listener_filters_timeout: "0s",
    use_original_dst: true,
  });
});

test("writes durations, enums and metadata as Envoy does", () => {
  const cluster = Cluster.fromPartial({
    name: "outbound|80||cart.shop.svc.cluster.local",
    clusterDiscoveryType: { $case: "type", value: 3 },
    connectTimeout: { seconds: 1, nanos: 500_000_000 },
    metadata: {
      filterMetadata: { istio: { defaultOriginalPort: 80, services: [{ host: "cart", someName: "cart" }] } },
    },
  });
  expect(anyToJson(typeUrls.cluster, Cluster.encode(cluster).finish())).toEqual({
    "@type": typeUrls.cluster,
    name: "outbound|80||cart.shop.svc.cluster.local",
    type: "EDS",
    connect_timeout: "1.5s",
    metadata: {
      filter_metadata: { istio: { defaultOriginalPort: 80, services: [{ host: "cart", someName: "cart" }] } },
    },
  });
});

test("shows an unknown type's bytes", () => {
  expect(anyToJson("type.googleapis.com/some.Thing", Buffer.from("abc"))).toEqual({
    "@type": "type.googleapis.com/some.Thing",
    value: "YWJj",
  });
});
