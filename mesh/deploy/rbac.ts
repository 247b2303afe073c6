import type { IClusterRole } from "kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRole";
import type { IClusterRoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRoleBinding";
import type { IRole } from "kubernetes-models/rbac.authorization.k8s.io/v1/Role";
import type { IRoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding";
import { namespaces } from "#api/names.ts";

const metadata = {
  name: "istiod-clusterrole-istio-system",
  labels: { app: "istiod", "app.kubernetes.io/managed-by": "slipway" },
};
const subjects = [{ kind: "ServiceAccount", name: "istiod", namespace: namespaces.system }];
const read = ["get", "list", "watch"];
const gatewayLabels = {
  app: "istio-ingressgateway",
  istio: "ingressgateway",
  "app.kubernetes.io/managed-by": "slipway",
};

/** What the control plane reads everywhere, and the little that it writes. */
export const clusterRole: IClusterRole = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata,
  rules: [
    { apiGroups: [""], resources: ["pods", "services", "namespaces", "endpoints", "nodes"], verbs: read },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
    {
      apiGroups: ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io"],
      resources: ["*"],
      verbs: read,
    },
    {
      apiGroups: ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io"],
      resources: ["*/status"],
      verbs: ["update", "patch"],
    },
    { apiGroups: ["gateway.networking.k8s.io"], resources: ["*"], verbs: read },
    // Gateways become Deployments with their Services and accounts; what becomes of them stands in their statuses.
    { apiGroups: ["gateway.networking.k8s.io"], resources: ["gatewayclasses"], verbs: ["create"] },
    {
      apiGroups: ["gateway.networking.k8s.io"],
      resources: ["gatewayclasses/status", "gateways/status"],
      verbs: ["update", "patch"],
    },
    { apiGroups: ["apps"], resources: ["deployments"], verbs: [...read, "create", "update", "patch"] },
    { apiGroups: [""], resources: ["services", "serviceaccounts"], verbs: ["get", "create", "update", "patch"] },
    { apiGroups: [""], resources: ["services/status"], verbs: ["update", "patch"] },
    { apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: read },
    // Certificates that Gateways and DestinationRules name, for proxies whose own account may read them too.
    { apiGroups: [""], resources: ["secrets"], verbs: read },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    // Who a proxy is, by its token.
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    // The CA's certificate: into its own webhooks, and into a ConfigMap of every namespace.
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
      verbs: [...read, "update", "patch"],
    },
    { apiGroups: [""], resources: ["configmaps"], verbs: [...read, "create", "update", "patch"] },
  ],
};

export const clusterRoleBinding: IClusterRoleBinding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata,
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name },
  subjects,
};

/** The CA's own key, and leases for whatever must have one writer. */
export const role: IRole = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "istiod", namespace: namespaces.system, labels: metadata.labels },
  rules: [
    { apiGroups: [""], resources: ["secrets"], verbs: ["create", "get", "watch", "list", "update", "delete"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update", "patch"] },
  ],
};

export const roleBinding: IRoleBinding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "istiod", namespace: namespaces.system, labels: metadata.labels },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "istiod" },
  subjects,
};

/** A gateway's proxy may read the certificates that its servers name. */
export const gatewayRole: IRole = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "istio-ingressgateway-sds", namespace: namespaces.system, labels: gatewayLabels },
  rules: [{ apiGroups: [""], resources: ["secrets"], verbs: read }],
};

export const gatewayRoleBinding: IRoleBinding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "istio-ingressgateway-sds", namespace: namespaces.system, labels: gatewayLabels },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "istio-ingressgateway-sds" },
  subjects: [{ kind: "ServiceAccount", name: "istio-ingressgateway", namespace: namespaces.system }],
};
