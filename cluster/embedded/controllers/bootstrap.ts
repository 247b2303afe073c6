import type { IEndpointSlice } from "kubernetes-models/discovery.k8s.io/v1/EndpointSlice";
import type { IPriorityClass } from "kubernetes-models/scheduling.k8s.io/v1/PriorityClass";
import type { KubeObject } from "#api/kinds/object.ts";
import { coreV1, type Resources, type ResourceType, StatusError } from "../machinery/resources.ts";
import type { Service } from "../node/kinds.ts";

export interface BootstrapAddresses {
  /** Cluster IP of the API server, served on 443. */
  readonly api: string;
  readonly dns: string;
}

const clusterRolesType: ResourceType = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "clusterroles",
};
const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];
const apps = { apiGroups: ["apps", "batch", "autoscaling", "policy", "networking.k8s.io"], resources: ["*"] };
const core = {
  apiGroups: [""],
  resources:
    "bindings configmaps endpoints events persistentvolumeclaims pods pods/log pods/status serviceaccounts services".split(
      " ",
    ),
};

/** The roles for people that every cluster has. Source: Kubernetes' documentation of RBAC, "User-facing roles". */
const view = [
  { ...core, verbs: read },
  { ...apps, verbs: read },
  { apiGroups: [""], resources: ["namespaces"], verbs: read },
];
const edit = [
  ...view,
  { ...core, verbs: write },
  { ...apps, verbs: write },
  { apiGroups: [""], resources: ["secrets"], verbs: [...read, ...write] },
  {
    apiGroups: [""],
    resources: ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy", "pods/eviction"],
    verbs: [...read, ...write],
  },
  { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
];
const clusterRoles = {
  "cluster-admin": [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ],
  admin: [
    ...edit,
    { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: [...read, ...write] },
  ],
  edit,
  view,
};

/** What a cluster has before anyone asks for anything. Safe to repeat. */
export async function bootstrap(resources: Resources, addresses: BootstrapAddresses): Promise<void> {
  const ensure = async (type: ResourceType, object: KubeObject): Promise<void> => {
    const found = await resources.get(type, object.metadata.namespace, object.metadata.name ?? "");
    if (found !== undefined) return;
    await resources.create(type, object).catch((error: unknown) => {
      if (!(error instanceof StatusError) || error.reason !== "AlreadyExists") throw error;
    });
  };
  const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await Promise.all(
    ["default", "kube-system", "kube-public", "kube-node-lease"].map((name) =>
      ensure(coreV1("namespaces"), namespace(name)),
    ),
  );
  await Promise.all(
    Object.entries(clusterRoles).map(([name, rules]) =>
      ensure(clusterRolesType, {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name, labels: { "kubernetes.io/bootstrapping": "rbac-defaults" } },
        rules,
      } as KubeObject),
    ),
  );
  const api: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: { clusterIP: addresses.api, ports: [{ name: "https", port: 443, targetPort: 443, protocol: "TCP" }] },
  };
  const apiSlice: IEndpointSlice & KubeObject = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [addresses.api], conditions: { ready: true } }],
    ports: [{ name: "https", port: 443, protocol: "TCP" }],
  };
  const dns: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" },
    },
    spec: {
      clusterIP: addresses.dns,
      ports: [
        { name: "dns", port: 53, targetPort: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, targetPort: 53, protocol: "TCP" },
      ],
    },
  };
  const dnsSlice: IEndpointSlice & KubeObject = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kube-dns", namespace: "kube-system", labels: { "kubernetes.io/service-name": "kube-dns" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [addresses.dns], conditions: { ready: true } }],
    ports: [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
    ],
  };
  const slices: ResourceType = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
  await Promise.all([
    ensure(coreV1("services"), api),
    ensure(slices, apiSlice),
    ensure(coreV1("services"), dns),
    ensure(slices, dnsSlice),
    ...priorityClasses.map((object) => ensure(priorityClassType, object)),
  ]);
}

const priorityClassType: ResourceType = { group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses" };
const priorityClasses: readonly (IPriorityClass & KubeObject)[] = [
  priorityClass(
    "system-node-critical",
    2_000_001_000,
    "system critical pods that must not be moved from their current node",
  ),
  priorityClass(
    "system-cluster-critical",
    2_000_000_000,
    "system critical pods that must run in the cluster, but can be moved to another node if necessary",
  ),
];

function priorityClass(name: string, value: number, purpose: string): IPriorityClass & KubeObject {
  return {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value,
    globalDefault: false,
    description: `Used for ${purpose}.`,
  };
}
