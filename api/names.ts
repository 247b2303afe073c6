/** Names, labels, annotations and ports that Slipway shares with Istio. Source: Istio's API reference and its published port table. */

export const VERSION = "0.1.0";
/** The version that proxies and control plane say they are. Istio's tools compare it, so it is Istio's. */
export const ISTIO_VERSION = "1.32.0";

export const images = {
  /** control plane, proxy, init: one image, several commands on its PATH (pilot-discovery, pilot-agent). */
  mesh: `slipway/mesh:${VERSION}`,
  /** the shop, the tools and the load generator: one image, one command each. */
  apps: `slipway/apps:${VERSION}`,
} as const;

export const namespaces = {
  system: "istio-system",
  /** where the labs put the shop */
  shop: "shop",
  /** where the traffic generator runs */
  traffic: "slipway-traffic",
} as const;

export const labels = {
  app: "app",
  version: "version",
  injection: "istio-injection",
  revision: "istio.io/rev",
  inject: "sidecar.istio.io/inject",
  canonicalName: "service.istio.io/canonical-name",
  canonicalRevision: "service.istio.io/canonical-revision",
  tlsMode: "security.istio.io/tlsMode",
  /** "ambient" on a namespace or pod whose traffic the node's proxy is to have; "none" on a pod that is not to. */
  dataplaneMode: "istio.io/dataplane-mode",
  /** "false" on a ServiceEntry that wants no address of the mesh's own. */
  enableAutoallocateIp: "networking.istio.io/enable-autoallocate-ip",
  /** On a workload: "region.zone.subzone" (or with slashes), for what its node's labels do not say. */
  locality: "istio-locality",
  managedBy: "app.kubernetes.io/managed-by",
  /** Which waypoint a namespace, service or pod is behind; "none" for none in spite of the namespace. */
  useWaypoint: "istio.io/use-waypoint",
  useWaypointNamespace: "istio.io/use-waypoint-namespace",
  /** What a waypoint is for: service (if nothing is said), workload, all or none. */
  waypointFor: "istio.io/waypoint-for",
  /** "http" on a pod whose proxy takes HBONE itself. */
  tunnel: "networking.istio.io/tunnel",
  /** On what was made for a Gateway of the Gateway API: its name, its class, and the controller that made it. */
  gatewayName: "gateway.networking.k8s.io/gateway-name",
  gatewayClassName: "gateway.networking.k8s.io/gateway-class-name",
  gatewayManaged: "gateway.istio.io/managed",
} as const;

export const annotations = {
  status: "sidecar.istio.io/status",
  interceptionMode: "sidecar.istio.io/interceptionMode",
  includeOutboundIpRanges: "traffic.sidecar.istio.io/includeOutboundIPRanges",
  excludeOutboundIpRanges: "traffic.sidecar.istio.io/excludeOutboundIPRanges",
  includeInboundPorts: "traffic.sidecar.istio.io/includeInboundPorts",
  excludeInboundPorts: "traffic.sidecar.istio.io/excludeInboundPorts",
  includeOutboundPorts: "traffic.sidecar.istio.io/includeOutboundPorts",
  excludeOutboundPorts: "traffic.sidecar.istio.io/excludeOutboundPorts",
  proxyConfig: "proxy.istio.io/config",
  /** "enabled" on a pod whose traffic the ztunnel of its node has. */
  redirection: "ambient.istio.io/redirection",
  /** Whether a captured pod's DNS questions go to the ztunnel: "true" or "false". */
  dnsCapture: "ambient.istio.io/dns-capture",
  trafficDistribution: "networking.istio.io/traffic-distribution",
} as const;

export const ports = {
  proxyAdmin: 15000,
  outbound: 15001,
  inbound: 15006,
  hbone: 15008,
  agentStatus: 15020,
  health: 15021,
  dns: 15053,
  envoyPrometheus: 15090,
  istiodDebug: 8080,
  istiodGrpc: 15010,
  istiodSecureGrpc: 15012,
  istiodMonitoring: 15014,
  istiodWebhook: 15017,
} as const;

/** Value of the label gateway.istio.io/managed on what was made for a waypoint. Source: Istio. */
export const meshController = "istio.io-mesh-controller";
/** The same for a gateway. */
export const gatewayController = "istio.io-gateway-controller";

/** User and group that a proxy runs as; capture lets its traffic through. */
export const PROXY_UID = 1337;
/** Mark on a proxy's own connections where user ids cannot tell them apart (a user namespace that maps one id only). */
export const PROXY_MARK = 1337;

export const trustDomain = "cluster.local";
export const clusterDomain = "cluster.local";
export const clusterId = "Kubernetes";

export const spiffeId = (namespace: string, serviceAccount: string, domain: string = trustDomain): string =>
  `spiffe://${domain}/ns/${namespace}/sa/${serviceAccount}`;
