import type { Case, RequestStep } from "../case.ts";

const container = { name: "c", image: "registry.example.com/c" };
const labels = { app: "x" };
const template = (more: object = {}): object => ({ metadata: { labels }, spec: { containers: [container], ...more } });

interface Sample {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly cluster?: true;
  readonly [field: string]: unknown;
}

const samples: readonly Sample[] = [
  { apiVersion: "v1", kind: "Pod", plural: "pods", spec: { containers: [container] } },
  {
    apiVersion: "v1",
    kind: "Service",
    plural: "services",
    spec: {
      selector: labels,
      ports: [
        { port: 80, name: "a" },
        { port: 81, name: "b", targetPort: "http" },
      ],
    },
  },
  { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", data: { a: "b" } },
  { apiVersion: "v1", kind: "Secret", plural: "secrets", stringData: { a: "b" } },
  { apiVersion: "v1", kind: "ServiceAccount", plural: "serviceaccounts" },
  { apiVersion: "v1", kind: "Namespace", plural: "namespaces", cluster: true },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  },
  {
    apiVersion: "v1",
    kind: "Endpoints",
    plural: "endpoints",
    subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 80 }] }],
  },
  {
    apiVersion: "v1",
    kind: "LimitRange",
    plural: "limitranges",
    spec: { limits: [{ type: "Container", default: { cpu: "1" } }] },
  },
  { apiVersion: "v1", kind: "ResourceQuota", plural: "resourcequotas", spec: { hard: { pods: "10" } } },
  {
    apiVersion: "v1",
    kind: "Event",
    plural: "events",
    involvedObject: { kind: "Pod", name: "x", namespace: "$ns" },
    reason: "Test",
    message: "m",
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    plural: "deployments",
    spec: { selector: { matchLabels: labels }, template: template() },
  },
  {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    plural: "replicasets",
    spec: { selector: { matchLabels: labels }, template: template() },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    plural: "daemonsets",
    spec: { selector: { matchLabels: labels }, template: template() },
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    plural: "statefulsets",
    spec: { serviceName: "x", selector: { matchLabels: labels }, template: template() },
  },
  { apiVersion: "batch/v1", kind: "Job", plural: "jobs", spec: { template: template({ restartPolicy: "Never" }) } },
  {
    apiVersion: "batch/v1",
    kind: "CronJob",
    plural: "cronjobs",
    spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template({ restartPolicy: "Never" }) } } },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    plural: "endpointslices",
    addressType: "IPv4",
    endpoints: [{ addresses: ["192.0.2.1"] }],
    ports: [{ port: 80 }],
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    plural: "ingresses",
    spec: {
      rules: [
        {
          host: "a.example.com",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "x", port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    plural: "ingressclasses",
    cluster: true,
    spec: { controller: "example.com/x" },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }] },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  },
  {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" } },
  },
  { apiVersion: "coordination.k8s.io/v1", kind: "Lease", plural: "leases", spec: { holderIdentity: "x" } },
  { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", plural: "priorityclasses", cluster: true, value: 5 },
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    plural: "storageclasses",
    cluster: true,
    provisioner: "example.com/x",
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    plural: "roles",
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    plural: "rolebindings",
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" },
    subjects: [
      { kind: "User", name: "u" },
      { kind: "ServiceAccount", name: "s", namespace: "$ns" },
    ],
  },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    cluster: true,
    webhooks: [
      {
        name: "a.example.com",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        clientConfig: { service: { name: "x", namespace: "$ns" } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
      },
    ],
  },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    cluster: true,
    webhooks: [
      {
        name: "a.example.com",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        clientConfig: { url: "https://a.example.com/x" },
      },
    ],
  },
];

function collection({ apiVersion, plural, cluster }: Sample): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return cluster ? `${root}/${plural}` : `${root}/namespaces/$ns/${plural}`;
}

const created = (sample: Sample): RequestStep => {
  const { plural: _, cluster: __, ...object } = sample;
  return {
    name: sample.kind,
    send: `POST ${collection(sample)}?dryRun=All`,
    body: { ...object, metadata: { name: "x" } },
  };
};

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

/** What is filled in when every kind is created with the least that it needs. */
export const kinds: Case = { name: "kinds", steps: samples.map(created) };

/** The columns that `kubectl get` shows, of lists that are empty. */
export const columns: Case = {
  name: "columns",
  steps: samples.map((sample) => ({
    name: sample.kind,
    send: `GET ${collection(sample)}?fieldSelector=metadata.name=none`,
    headers: { accept: table },
    // The descriptions are prose of the API's documentation.
    forget: ["columnDefinitions.*.description"],
  })),
};

/** What `kubectl get` shows of every kind. */
export const rows: Case = {
  name: "rows",
  steps: samples.map((sample) => ({
    ...created(sample),
    headers: { accept: table },
    only: ["rows.0.cells"],
  })),
};
