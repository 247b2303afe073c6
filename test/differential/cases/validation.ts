import type { Case, RequestStep } from "../case.ts";

const paths: Readonly<Record<string, string>> = {
  Pod: "/api/v1/namespaces/$ns/pods",
  Service: "/api/v1/namespaces/$ns/services",
  Deployment: "/apis/apps/v1/namespaces/$ns/deployments",
  Job: "/apis/batch/v1/namespaces/$ns/jobs",
  Ingress: "/apis/networking.k8s.io/v1/namespaces/$ns/ingresses",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/$ns/rolebindings",
  NetworkPolicy: "/apis/networking.k8s.io/v1/namespaces/$ns/networkpolicies",
};
const versions: Readonly<Record<string, string>> = {
  Pod: "v1",
  Service: "v1",
  Deployment: "apps/v1",
  Job: "batch/v1",
  Ingress: "networking.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  NetworkPolicy: "networking.k8s.io/v1",
};

const wrong = (name: string, kind: string, spec: object, query = ""): RequestStep => ({
  name: `${kind}: ${name}`,
  send: `POST ${paths[kind]}?dryRun=All${query}`,
  body: { apiVersion: versions[kind], kind, metadata: { name: "x" }, ...(kind === "RoleBinding" ? spec : { spec }) },
  // What passes is compared elsewhere.
  only: ["kind"],
});
const container = (change: object): object => ({ containers: [{ name: "c", image: "i", ...change }] });
const deployment = (spec: object, pod: object = container({})): object => ({
  selector: { matchLabels: { app: "x" } },
  template: { metadata: { labels: { app: "x" } }, spec: pod },
  ...spec,
});
const port = (change: object): object => ({ ports: [{ port: 80, ...change }] });

/** What is refused in built-in kinds, and how; unknown fields under the three ways to take them. */
export const validation: Case = {
  name: "validation",
  steps: [
    wrong("no containers", "Pod", {}),
    wrong("empty containers", "Pod", { containers: [] }),
    wrong("no image", "Pod", { containers: [{ name: "c" }] }),
    wrong("no name", "Pod", { containers: [{ image: "i" }] }),
    wrong("a name in capitals", "Pod", container({ name: "C" })),
    wrong("two of a name", "Pod", {
      containers: [
        { name: "c", image: "i" },
        { name: "c", image: "i" },
      ],
    }),
    wrong("a port out of range", "Pod", container({ ports: [{ containerPort: 70000 }] })),
    wrong("no port", "Pod", container({ ports: [{ name: "http" }] })),
    wrong("a port's name", "Pod", container({ ports: [{ containerPort: 80, name: "Not_A_Name" }] })),
    wrong(
      "two ports of a name",
      "Pod",
      container({
        ports: [
          { containerPort: 80, name: "a" },
          { containerPort: 81, name: "a" },
        ],
      }),
    ),
    wrong("a protocol", "Pod", container({ ports: [{ containerPort: 80, protocol: "ICMP" }] })),
    wrong("a variable's name", "Pod", container({ env: [{ name: "" }] })),
    wrong(
      "a variable of two sources",
      "Pod",
      container({ env: [{ name: "A", value: "1", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }),
    ),
    wrong("a pull policy", "Pod", container({ imagePullPolicy: "Sometimes" })),
    wrong("a restart policy", "Pod", { ...container({}), restartPolicy: "Perhaps" }),
    wrong("a mount of no volume", "Pod", container({ volumeMounts: [{ name: "v", mountPath: "/v" }] })),
    wrong("a mount without a path", "Pod", {
      ...container({ volumeMounts: [{ name: "v" }] }),
      volumes: [{ name: "v", emptyDir: {} }],
    }),
    wrong("a volume of two kinds", "Pod", {
      ...container({}),
      volumes: [{ name: "v", emptyDir: {}, configMap: { name: "x" } }],
    }),
    wrong("two volumes of a name", "Pod", {
      ...container({}),
      volumes: [
        { name: "v", emptyDir: {} },
        { name: "v", emptyDir: {} },
      ],
    }),
    wrong("a probe of nothing", "Pod", container({ livenessProbe: {} })),
    wrong(
      "a probe of two kinds",
      "Pod",
      container({ livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }),
    ),
    wrong("a quantity", "Pod", container({ resources: { requests: { cpu: "lots" } } })),
    wrong("requests above limits", "Pod", container({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } })),
    wrong("a service account that is not there", "Pod", { ...container({}), serviceAccountName: "none" }),
    wrong("an unknown priority class", "Pod", { ...container({}), priorityClassName: "none" }),
    wrong("a negative grace period", "Pod", { ...container({}), terminationGracePeriodSeconds: -1 }),
    wrong("no selector", "Deployment", { template: { metadata: { labels: { app: "x" } }, spec: container({}) } }),
    wrong("another selector", "Deployment", deployment({ selector: { matchLabels: { app: "y" } } })),
    wrong("negative replicas", "Deployment", deployment({ replicas: -1 })),
    wrong("never restarts", "Deployment", deployment({}, { ...container({}), restartPolicy: "Never" })),
    wrong(
      "neither surge nor unavailable",
      "Deployment",
      deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    ),
    wrong(
      "recreate with a rolling update",
      "Deployment",
      deployment({ strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
    ),
    wrong("an unknown strategy", "Deployment", deployment({ strategy: { type: "Sideways" } })),
    wrong("a container without an image", "Deployment", deployment({}, { containers: [{ name: "c" }] })),
    wrong("always restarts", "Job", { template: { spec: container({}) } }),
    wrong("a negative parallelism", "Job", {
      parallelism: -1,
      template: { spec: { ...container({}), restartPolicy: "Never" } },
    }),
    wrong("no ports", "Service", { selector: { a: "b" } }),
    wrong("a port of zero", "Service", port({ port: 0 })),
    wrong("ports without names", "Service", { ports: [{ port: 80 }, { port: 81 }] }),
    wrong("two ports of a name", "Service", {
      ports: [
        { port: 80, name: "a" },
        { port: 81, name: "a" },
      ],
    }),
    wrong("the same port twice", "Service", {
      ports: [
        { port: 80, name: "a" },
        { port: 80, name: "b" },
      ],
    }),
    wrong("a port's name", "Service", port({ name: "A_b" })),
    wrong("a protocol", "Service", port({ protocol: "ICMP" })),
    wrong("an unknown type", "Service", { ...port({}), type: "Round" }),
    wrong("an external name that is missing", "Service", { type: "ExternalName" }),
    wrong("a cluster IP out of range", "Service", { ...port({}), clusterIP: "192.0.2.1" }),
    wrong("a cluster IP that is none", "Service", { ...port({}), clusterIP: "x" }),
    wrong("an affinity", "Service", { ...port({}), sessionAffinity: "Sometimes" }),
    wrong("a node port without the type", "Service", port({ nodePort: 30001 })),
    wrong("a node port out of range", "Service", { ...port({ nodePort: 80 }), type: "NodePort" }),
    wrong("a selector", "Service", { ...port({}), selector: { "a b": "c" } }),
    wrong("nothing", "Ingress", {}),
    wrong("a path without a type", "Ingress", {
      rules: [{ http: { paths: [{ path: "/", backend: { service: { name: "x", port: { number: 80 } } } }] } }],
    }),
    wrong("a relative path", "Ingress", {
      rules: [
        {
          http: {
            paths: [{ path: "x", pathType: "Prefix", backend: { service: { name: "x", port: { number: 80 } } } }],
          },
        },
      ],
    }),
    wrong("no role", "RoleBinding", { subjects: [] }),
    wrong("an unknown kind of role", "RoleBinding", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Duty", name: "x" },
    }),
    wrong("an unknown kind of subject", "RoleBinding", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" },
      subjects: [{ kind: "Robot", name: "x" }],
    }),
    wrong("an unknown policy type", "NetworkPolicy", { podSelector: {}, policyTypes: ["Sideways"] }),
    wrong(
      "an unknown field: strict",
      "Pod",
      { ...container({ imagePullPolice: "x" }), nothing: 1 },
      "&fieldValidation=Strict",
    ),
    wrong(
      "an unknown field: warn",
      "Pod",
      { ...container({ imagePullPolice: "x" }), nothing: 1 },
      "&fieldValidation=Warn",
    ),
    wrong(
      "an unknown field: ignore",
      "Pod",
      { ...container({ imagePullPolice: "x" }), nothing: 1 },
      "&fieldValidation=Ignore",
    ),
    wrong("an unknown field: unsaid", "Pod", { ...container({}), nothing: 1 }),
    wrong("an unknown way", "Pod", container({}), "&fieldValidation=Some"),
    {
      name: "a field twice",
      send: "POST /api/v1/namespaces/$ns/configmaps?dryRun=All&fieldValidation=Strict",
      body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","a":"2"}}',
      only: ["kind"],
    },
    {
      name: "a field in the wrong case",
      send: "POST /api/v1/namespaces/$ns/pods?dryRun=All&fieldValidation=Strict",
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "x" },
        spec: { Containers: [{ name: "c", image: "i" }] },
      },
      only: ["kind"],
    },
    wrong("a string for a number", "Deployment", deployment({ replicas: "2" })),
    wrong("a number for a string", "Pod", container({ image: 5 })),
    wrong("an object for a list", "Pod", container({ args: { a: "b" } })),
    wrong("a list for an object", "Pod", { ...container({}), securityContext: [] }),
    wrong("a string for a flag", "Pod", container({ tty: "yes" })),
    wrong("a number with a fraction", "Deployment", deployment({ replicas: 1.5 })),
  ],
};
