import type { IDaemonSet } from "kubernetes-models/apps/v1/DaemonSet";
import type { IClusterRole } from "kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRole";
import type { IClusterRoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRoleBinding";
import type { IContainer } from "kubernetes-models/v1/Container";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { clusterId, namespaces, ports } from "#api/names.ts";
import { type MeshValues, trustDomainOf } from "./values.ts";

const name = "ztunnel";
const selector = { app: name };
const labels = { ...selector, "istio.io/rev": "default", "app.kubernetes.io/managed-by": "slipway" };
const metadata = { name, namespace: namespaces.system, labels };

export const ztunnelServiceAccount: IServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata };

/** It looks which pods are to be captured, and says of each whether it is. */
export const ztunnelClusterRole: IClusterRole = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name, labels },
  rules: [
    { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["patch"] },
  ],
};

export const ztunnelClusterRoleBinding: IClusterRoleBinding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name, labels },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
  subjects: [{ kind: "ServiceAccount", name, namespace: namespaces.system }],
};

const usesEbpf = ({ ambientCapture }: MeshValues): boolean => ambientCapture !== "iptables";

/** Variables that come from the pod itself. */
const fromPod = (variable: string, fieldPath: string) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } });

/** The ambient mode's proxy, one on every node. It does nothing until a namespace or pod asks to be captured. */
export function ztunnelDaemonSet(values: MeshValues): IDaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata,
    spec: {
      selector: { matchLabels: selector },
      updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...labels, "sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none" },
          annotations: { "prometheus.io/port": String(ports.agentStatus), "prometheus.io/scrape": "true" },
        },
        spec: {
          serviceAccountName: name,
          priorityClassName: "system-node-critical",
          terminationGracePeriodSeconds: 30,
          tolerations: [
            { effect: "NoSchedule", operator: "Exists" },
            { key: "CriticalAddonsOnly", operator: "Exists" },
            { effect: "NoExecute", operator: "Exists" },
          ],
          containers: [container(values)],
          volumes: [
            {
              name: "istio-token",
              projected: {
                sources: [
                  { serviceAccountToken: { path: "istio-token", expirationSeconds: 43_200, audience: "istio-ca" } },
                ],
              },
            },
            { name: "istiod-ca-cert", configMap: { name: "istio-ca-root-cert" } },
            { name: "istio-ca-crl", configMap: { name: "istio-ca-crl", optional: true } },
            { name: "cni-netns-dir", hostPath: { path: "/var/run/netns", type: "DirectoryOrCreate" } },
            ...(usesEbpf(values) ? [{ name: "cgroup2", hostPath: { path: "/sys/fs/cgroup" } }] : []),
          ],
        },
      },
    },
  };
}

function container(values: MeshValues): IContainer {
  return {
    name: "istio-proxy",
    image: values.image,
    imagePullPolicy: "IfNotPresent",
    args: [name, "proxy"],
    ports: [{ name: "ztunnel-stats", containerPort: ports.agentStatus, protocol: "TCP" }],
    env: [
      { name: "CLUSTER_ID", value: clusterId },
      { name: "AMBIENT_CAPTURE", value: values.ambientCapture },
      { name: "AMBIENT_DNS_CAPTURE", value: String(values.ambientDnsCapture) },
      { name: "TRUST_DOMAIN", value: trustDomainOf(values) },
      { name: "TERMINATION_GRACE_PERIOD_SECONDS", value: "25" },
      { name: "XDS_ADDRESS", value: `istiod.${namespaces.system}.svc:${ports.istiodSecureGrpc}` },
      fromPod("POD_NAME", "metadata.name"),
      fromPod("POD_NAMESPACE", "metadata.namespace"),
      fromPod("INSTANCE_IP", "status.podIP"),
      fromPod("NODE_NAME", "spec.nodeName"),
    ],
    readinessProbe: { httpGet: { path: "/healthz/ready", port: ports.health }, periodSeconds: 1 },
    resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "1Gi" } },
    securityContext: {
      runAsUser: 0,
      runAsGroup: 1337,
      allowPrivilegeEscalation: true,
      // To enter pods' networks, to draw rules or load programs there, to speak for clients.
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "SYS_ADMIN", "NET_RAW", ...(usesEbpf(values) ? ["BPF"] : [])] },
    },
    volumeMounts: [
      { name: "istio-token", mountPath: "/var/run/secrets/tokens", readOnly: true },
      { name: "istiod-ca-cert", mountPath: "/var/run/secrets/istio", readOnly: true },
      { name: "istio-ca-crl", mountPath: "/var/run/secrets/istio/crl", readOnly: true },
      { name: "cni-netns-dir", mountPath: "/var/run/netns", mountPropagation: "HostToContainer" },
      ...(usesEbpf(values) ? [{ name: "cgroup2", mountPath: "/var/run/cgroup2", readOnly: true }] : []),
    ],
  };
}
