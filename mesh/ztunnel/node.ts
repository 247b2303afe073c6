import { ISTIO_VERSION } from "#api/names.ts";
import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { ZtunnelConfig } from "./config.ts";

/** How the control plane knows who asks: `ztunnel~10.244.0.7~ztunnel-abc.istio-system~istio-system.svc.cluster.local`. */
export function nodeOf({ pod, node, cluster }: ZtunnelConfig): Node {
  return Node.fromPartial({
    id: `ztunnel~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`,
    metadata: {
      NAME: pod.name,
      NAMESPACE: pod.namespace,
      INSTANCE_IPS: pod.ip,
      NODE_NAME: node,
      CLUSTER_ID: cluster,
      ISTIO_VERSION,
    },
    userAgentName: "slipway",
    userAgentVersionType: { $case: "userAgentVersion", value: ISTIO_VERSION },
  });
}
