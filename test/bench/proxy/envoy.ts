import type { Setup } from "./setup.ts";

/** The same listener, route and cluster for Envoy, in its own configuration language; access log and statistics sinks are off. */
export function envoyConfig(setup: Setup): string {
  const address = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const file = (filename: string) => ({ filename });
  const tls = setup.tls && {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: "cart.shop.svc.cluster.local",
      common_tls_context: {
        alpn_protocols: ["istio-http/1.1", "istio", "http/1.1"],
        tls_params: { tls_minimum_protocol_version: "TLSv1_2", tls_maximum_protocol_version: "TLSv1_3" },
        tls_certificates: [{ certificate_chain: file(setup.tls.certificate), private_key: file(setup.tls.key) }],
        validation_context: {
          trusted_ca: file(setup.tls.roots),
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: { prefix: "spiffe://" } }],
        },
      },
    },
  };
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "bench",
    normalize_path: true,
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "cart", timeout: "0s" } }],
        },
      ],
    },
    http_filters: [
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: manager };
  const endpoint = { endpoint: { address: address(setup.upstreamPort) } };
  const cluster = {
    name: "cart",
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: { cluster_name: "cart", endpoints: [{ lb_endpoints: [endpoint] }] },
    ...(tls === undefined ? {} : { transport_socket: tls }),
  };
  return JSON.stringify({
    static_resources: {
      listeners: [{ name: "bench", address: address(setup.listenPort), filter_chains: [{ filters: [filter] }] }],
      clusters: [cluster],
    },
  });
}
