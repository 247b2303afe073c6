import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { istioVersion, type ProxyConfig } from "../config.ts";
import type { PeerMetadata } from "../request-record.ts";

/** `sidecar~10.244.0.7~cart-v1-abc.shop~shop.svc.cluster.local`: how Istio's control plane knows who asks. */
export function nodeId({ role, pod, domain }: ProxyConfig): string {
  return `${role}~${pod.ip}~${pod.name}.${pod.namespace}~${domain}`;
}

/** The node as Istio's agent writes it into the bootstrap. Source: the metadata keys of Istio's pilot/pkg/model. */
export function nodeOf(config: ProxyConfig): Node {
  const { pod, labels } = config;
  const metadata: Record<string, unknown> = {
    ...config.metadata,
    NAME: pod.name,
    NAMESPACE: pod.namespace,
    INSTANCE_IPS: pod.ip,
    SERVICE_ACCOUNT: pod.serviceAccount,
    WORKLOAD_NAME: pod.workload,
    OWNER: pod.owner,
    CLUSTER_ID: config.cluster,
    MESH_ID: config.meshId,
    ISTIO_VERSION: istioVersion,
    LABELS: labels,
    ANNOTATIONS: config.annotations,
    PROXY_CONFIG: config.proxyConfig,
    PILOT_SAN: [config.discoveryAddress.split(":")[0]],
    ENVOY_STATUS_PORT: config.ports.health,
    ENVOY_PROMETHEUS_PORT: config.ports.prometheus,
  };
  return Node.fromPartial({
    id: nodeId(config),
    cluster: `${labels["service.istio.io/canonical-name"] ?? labels.app ?? pod.workload}.${pod.namespace}`,
    metadata,
    userAgentName: "slipway",
    userAgentVersionType: { $case: "userAgentVersion", value: istioVersion },
    clientFeatures: ["envoy.lb.does_not_support_overprovisioning", "envoy.lrs.supports_send_all_clusters"],
  });
}

/** This workload as its peers and metrics name it. */
export function selfOf({ pod, labels, cluster }: ProxyConfig): PeerMetadata {
  const app = labels.app ?? labels["app.kubernetes.io/name"] ?? "";
  const version = labels.version ?? labels["app.kubernetes.io/version"] ?? "";
  return {
    name: pod.name,
    namespace: pod.namespace,
    workload: pod.workload,
    app,
    version,
    canonicalService: labels["service.istio.io/canonical-name"] ?? (app || pod.workload),
    canonicalRevision: labels["service.istio.io/canonical-revision"] ?? (version || "latest"),
    cluster,
  };
}
