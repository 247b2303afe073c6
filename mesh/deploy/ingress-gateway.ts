import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IService } from "kubernetes-models/v1/Service";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { namespaces, ports } from "#api/names.ts";
import { spread } from "./control-plane.ts";
import type { MeshValues } from "./values.ts";

const name = "istio-ingressgateway";
const selector = { app: name, istio: "ingressgateway" };
const metadata = {
  name,
  namespace: namespaces.system,
  labels: { ...selector, "app.kubernetes.io/managed-by": "slipway" },
};

export const gatewayServiceAccount: IServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata };

export function gatewayService({ gatewayNodePorts }: MeshValues): IService {
  const nodePort = (port: number | undefined): { nodePort?: number } => (port === undefined ? {} : { nodePort: port });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      type: "LoadBalancer",
      selector,
      ports: [
        { name: "status-port", port: ports.health, targetPort: ports.health, protocol: "TCP" },
        { name: "http2", port: 80, targetPort: 8080, protocol: "TCP", ...nodePort(gatewayNodePorts?.http) },
        { name: "https", port: 443, targetPort: 8443, protocol: "TCP", ...nodePort(gatewayNodePorts?.https) },
      ],
    },
  };
}

export const gatewayDisruptionBudget: IPodDisruptionBudget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata,
  spec: { minAvailable: 1, selector: { matchLabels: selector } },
};

/** A Deployment whose one container the injector fills in (template `gateway`, image `auto`), as Istio's gateway charts do. */
export function gatewayDeployment(values: MeshValues): IDeployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: values.gatewayReplicas,
      selector: { matchLabels: selector },
      strategy: { rollingUpdate: { maxSurge: "100%", maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...selector, "sidecar.istio.io/inject": "true" },
          annotations: { "inject.istio.io/templates": "gateway" },
        },
        spec: {
          serviceAccountName: name,
          topologySpreadConstraints: [...spread(selector)],
          containers: [
            {
              name: "istio-proxy",
              image: "auto",
              resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "1Gi" } },
            },
          ],
        },
      },
    },
  };
}
