import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IConfigMap } from "kubernetes-models/v1/ConfigMap";
import type { INamespace } from "kubernetes-models/v1/Namespace";
import type { IService } from "kubernetes-models/v1/Service";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import type { ITopologySpreadConstraint } from "kubernetes-models/v1/TopologySpreadConstraint";
import { stringify } from "yaml";
import { clusterId, namespaces, ports, trustDomain } from "#api/names.ts";
import type { MeshValues } from "./values.ts";

const selector = { app: "istiod", istio: "pilot" };
/** Labels that Istio's own manifests carry, so that its tools recognise the installation. */
const labels = { ...selector, "istio.io/rev": "default", "app.kubernetes.io/managed-by": "slipway" };

export const systemNamespace: INamespace = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: namespaces.system },
};

export const serviceAccount: IServiceAccount = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "istiod", namespace: namespaces.system, labels },
};

/** MeshConfig, as Istio keeps it: ConfigMap istio, key mesh. */
export function meshConfig(values: MeshValues): IConfigMap {
  const mesh = {
    accessLogFile: values.accessLog ? "/dev/stdout" : "",
    defaultConfig: {
      discoveryAddress: `istiod.${namespaces.system}.svc:${ports.istiodSecureGrpc}`,
      // Sidecars and gateways speak HBONE with captured pods, as in Istio's ambient profile: STRICT holds between the two.
      proxyMetadata: { ISTIO_META_ENABLE_HBONE: "true" },
    },
    enablePrometheusMerge: true,
    rootNamespace: namespaces.system,
    trustDomain,
    ...values.meshConfig,
  };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio", namespace: namespaces.system, labels },
    data: { mesh: stringify(mesh), meshNetworks: "networks: {}\n" },
  };
}

export const service: IService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "istiod", namespace: namespaces.system, labels },
  spec: {
    selector,
    ports: [
      { name: "https-dns", port: ports.istiodSecureGrpc, targetPort: ports.istiodSecureGrpc, protocol: "TCP" },
      { name: "https-webhook", port: 443, targetPort: ports.istiodWebhook, protocol: "TCP" },
      { name: "http-monitoring", port: ports.istiodMonitoring, targetPort: ports.istiodMonitoring, protocol: "TCP" },
    ],
  },
};

export const disruptionBudget: IPodDisruptionBudget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "istiod", namespace: namespaces.system, labels },
  spec: { minAvailable: 1, selector: { matchLabels: selector } },
};

/**
 * Copies lie on different nodes, and in different zones as far as there are any. Nodes are a must: two copies on one node end with
 * it. That holds nothing up on a cluster of one node, where every copy is as far from the others as it can be; nodes that take no
 * pods (cordoned, tainted) do not count, nor do the copies that a rollout replaces.
 */
export const spread = (matchLabels: Readonly<Record<string, string>>): readonly ITopologySpreadConstraint[] => {
  const common = { maxSkew: 1, labelSelector: { matchLabels: { ...matchLabels } } };
  return [
    { ...common, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
    {
      ...common,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "DoNotSchedule",
      nodeTaintsPolicy: "Honor",
      matchLabelKeys: ["pod-template-hash"],
    },
  ];
};

export function deployment(values: MeshValues): IDeployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "istiod", namespace: namespaces.system, labels },
    spec: {
      replicas: values.controlPlaneReplicas,
      selector: { matchLabels: selector },
      strategy: { rollingUpdate: { maxSurge: "100%", maxUnavailable: "25%" } },
      template: {
        metadata: { labels: { ...labels, "sidecar.istio.io/inject": "false" } },
        spec: {
          serviceAccountName: "istiod",
          topologySpreadConstraints: [...spread(selector)],
          securityContext: { fsGroup: 1337 },
          containers: [
            {
              name: "discovery",
              image: values.image,
              imagePullPolicy: "IfNotPresent",
              command: ["pilot-discovery"],
              args: ["discovery", "--monitoringAddr=:15014", "--domain", "cluster.local"],
              ports: [
                { name: "http-debug", containerPort: ports.istiodDebug },
                { name: "tls-xds", containerPort: ports.istiodSecureGrpc },
                { name: "https-webhooks", containerPort: ports.istiodWebhook },
                { name: "http-monitoring", containerPort: ports.istiodMonitoring },
              ],
              env: [
                { name: "REVISION", value: "default" },
                { name: "CLUSTER_ID", value: clusterId },
                { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                { name: "SERVICE_ACCOUNT", valueFrom: { fieldRef: { fieldPath: "spec.serviceAccountName" } } },
                { name: "SLIPWAY_MESH_IMAGE", value: values.image },
                ...Object.entries(values.pilotEnv).map(([name, value]) => ({ name, value })),
                // MeshConfig of people's own, which no installation overwrites.
                { name: "SHARED_MESH_CONFIG", value: "istio-shared" },
              ],
              readinessProbe: {
                httpGet: { path: "/ready", port: ports.istiodDebug },
                initialDelaySeconds: 0,
                periodSeconds: 1,
                timeoutSeconds: 5,
              },
              resources: { requests: { cpu: "50m", memory: "128Mi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                runAsNonRoot: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      },
    },
  };
}
