/** The bootstrap of a real Envoy that takes everything from our discovery service, as Istio's agent would write it. */
export interface BootstrapOptions {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly protocol: "GRPC" | "DELTA_GRPC";
  /** Unix sockets: discovery, secrets, and Envoy's own admin interface. */
  readonly discovery: string;
  readonly secrets: string;
  readonly admin: string;
}

const grpcCluster = (name: string, path: string): unknown => ({
  name,
  type: "STATIC",
  connect_timeout: "5s",
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
  },
});

const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };

export const bootstrap = (options: BootstrapOptions): unknown => ({
  node: { id: options.nodeId, cluster: "test", metadata: { LABELS: options.labels } },
  admin: { address: { pipe: { path: options.admin } } },
  dynamic_resources: {
    lds_config: ads,
    cds_config: ads,
    ads_config: {
      api_type: options.protocol,
      transport_api_version: "V3",
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
    },
  },
  static_resources: {
    clusters: [grpcCluster("xds-grpc", options.discovery), grpcCluster("sds-grpc", options.secrets)],
  },
});
