import type { ResourceType } from "../machinery/resources.ts";

/** A kind that the API server serves. */
export interface Kind extends ResourceType {
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
}

export type Subresource =
  | "status"
  | "scale"
  | "log"
  | "exec"
  | "portforward"
  | "proxy"
  | "binding"
  | "token"
  | "eviction"
  | "finalize"
  | "approval"
  | "attach"
  | "ephemeralcontainers";

/** What users of a kind are warned of, by `group/resource`. */
export const deprecations: Readonly<Record<string, string>> = {
  "/endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
};

interface Options {
  readonly short?: readonly string[];
  readonly categories?: readonly string[];
  readonly sub?: readonly Subresource[];
  readonly cluster?: boolean;
}

function kind(apiVersion: string, name: string, plural: string, options: Options = {}): Kind {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash === -1 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    resource: plural,
    kind: name,
    singular: name.toLowerCase(),
    namespaced: options.cluster !== true,
    shortNames: options.short ?? [],
    categories: options.categories ?? [],
    subresources: options.sub ?? [],
  };
}

const all = ["all"];
const rbac = "rbac.authorization.k8s.io/v1";

/** Everything built in, in the order of discovery. */
export const builtInKinds: readonly Kind[] = [
  kind("v1", "Namespace", "namespaces", { short: ["ns"], cluster: true, sub: ["status", "finalize"] }),
  kind("v1", "Node", "nodes", { short: ["no"], cluster: true, sub: ["status", "proxy"] }),
  kind("v1", "Pod", "pods", {
    short: ["po"],
    categories: all,
    sub: ["status", "log", "exec", "attach", "portforward", "proxy", "binding", "eviction", "ephemeralcontainers"],
  }),
  kind("v1", "Service", "services", { short: ["svc"], categories: all, sub: ["status", "proxy"] }),
  kind("v1", "Endpoints", "endpoints", { short: ["ep"] }),
  kind("v1", "ConfigMap", "configmaps", { short: ["cm"] }),
  kind("v1", "Secret", "secrets"),
  kind("v1", "ServiceAccount", "serviceaccounts", { short: ["sa"], sub: ["token"] }),
  kind("v1", "Event", "events", { short: ["ev"] }),
  kind("v1", "PersistentVolume", "persistentvolumes", { short: ["pv"], cluster: true, sub: ["status"] }),
  kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims", { short: ["pvc"], sub: ["status"] }),
  kind("v1", "LimitRange", "limitranges", { short: ["limits"] }),
  kind("v1", "ResourceQuota", "resourcequotas", { short: ["quota"], sub: ["status"] }),
  kind("apps/v1", "Deployment", "deployments", { short: ["deploy"], categories: all, sub: ["status", "scale"] }),
  kind("apps/v1", "ReplicaSet", "replicasets", { short: ["rs"], categories: all, sub: ["status", "scale"] }),
  kind("apps/v1", "DaemonSet", "daemonsets", { short: ["ds"], categories: all, sub: ["status"] }),
  kind("apps/v1", "StatefulSet", "statefulsets", { short: ["sts"], categories: all, sub: ["status", "scale"] }),
  kind("apps/v1", "ControllerRevision", "controllerrevisions"),
  kind("batch/v1", "Job", "jobs", { categories: all, sub: ["status"] }),
  kind("batch/v1", "CronJob", "cronjobs", { short: ["cj"], categories: all, sub: ["status"] }),
  kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  kind("networking.k8s.io/v1", "Ingress", "ingresses", { short: ["ing"], sub: ["status"] }),
  kind("networking.k8s.io/v1", "IngressClass", "ingressclasses", { cluster: true }),
  kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", { short: ["netpol"] }),
  kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", { short: ["pdb"], sub: ["status"] }),
  kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", {
    short: ["hpa"],
    categories: all,
    sub: ["status"],
  }),
  kind("coordination.k8s.io/v1", "Lease", "leases"),
  kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", { short: ["pc"], cluster: true }),
  kind("storage.k8s.io/v1", "StorageClass", "storageclasses", { short: ["sc"], cluster: true }),
  kind(rbac, "Role", "roles"),
  kind(rbac, "RoleBinding", "rolebindings"),
  kind(rbac, "ClusterRole", "clusterroles", { cluster: true }),
  kind(rbac, "ClusterRoleBinding", "clusterrolebindings", { cluster: true }),
  kind("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", {
    cluster: true,
  }),
  kind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", {
    cluster: true,
  }),
  kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", {
    short: ["crd", "crds"],
    cluster: true,
    sub: ["status"],
  }),
  kind("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests", {
    short: ["csr"],
    cluster: true,
    sub: ["status", "approval"],
  }),
];

const withGeneration = new Set([
  "/pods",
  "apps/deployments",
  "apps/replicasets",
  "apps/daemonsets",
  "apps/statefulsets",
  "batch/jobs",
  "batch/cronjobs",
  "discovery.k8s.io/endpointslices",
  "networking.k8s.io/ingresses",
  "networking.k8s.io/ingressclasses",
  "networking.k8s.io/networkpolicies",
  "policy/poddisruptionbudgets",
  "scheduling.k8s.io/priorityclasses",
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
  "apiextensions.k8s.io/customresourcedefinitions",
]);

/** Whether metadata.generation counts the changes of a kind's objects; it does for all custom kinds. */
export const hasGeneration = (kind: Kind): boolean => "schema" in kind || withGeneration.has(bucketOf(kind));

/** Where objects of a kind lie in the store; the version is only a way of showing them. */
export const bucketOf = ({ group, resource }: Pick<Kind, "group" | "resource">): string => `${group}/${resource}`;
export const apiVersionOf = ({ group, version }: Pick<Kind, "group" | "version">): string =>
  group === "" ? version : `${group}/${version}`;
export const qualifiedName = ({ group, resource }: Pick<Kind, "group" | "resource">): string =>
  group === "" ? resource : `${resource}.${group}`;
