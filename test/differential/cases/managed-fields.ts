import { type Case, configMap } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const deployments = "/apis/apps/v1/namespaces/$ns/deployments";
const only = ["metadata.managedFields"];
const merge = "application/merge-patch+json";

/** What is written down about those who create and update. */
export const managedFields: Case = {
  name: "managed-fields",
  steps: [
    {
      name: "create",
      send: `POST ${maps}`,
      body: configMap(
        "one",
        { a: "1" },
        { labels: { x: "1" }, annotations: { y: "2" }, finalizers: ["example.com/a"] },
      ),
      only,
    },
    {
      name: "the same by another",
      send: `PUT ${maps}/one?fieldManager=two`,
      body: configMap(
        "one",
        { a: "1" },
        { labels: { x: "1" }, annotations: { y: "2" }, finalizers: ["example.com/a"] },
      ),
      only,
    },
    {
      name: "a change by another",
      send: `PUT ${maps}/one?fieldManager=two`,
      body: configMap("one", { a: "2", b: "1" }, { labels: { x: "1" }, finalizers: ["example.com/a"] }),
      only,
    },
    {
      name: "a patch by a third",
      send: `PATCH ${maps}/one?fieldManager=three`,
      type: merge,
      body: { data: { b: null, c: "1" } },
      only,
    },
    {
      name: "the finalizer goes",
      send: `PATCH ${maps}/one`,
      type: merge,
      body: { metadata: { finalizers: null } },
      only,
    },
    {
      name: "a deployment",
      send: `POST ${deployments}?fieldManager=creator`,
      body: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: {
          paused: true,
          replicas: 0,
          selector: { matchLabels: { app: "web" } },
          template: {
            metadata: { labels: { app: "web" } },
            spec: {
              containers: [
                {
                  name: "web",
                  image: "web:1",
                  args: ["a"],
                  env: [
                    { name: "A", value: "1" },
                    { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                  ],
                  ports: [{ containerPort: 80, name: "http" }],
                  resources: { requests: { cpu: "10m" } },
                  readinessProbe: { httpGet: { path: "/", port: 80 } },
                  volumeMounts: [{ name: "data", mountPath: "/data" }],
                },
              ],
              volumes: [
                { name: "data", emptyDir: {} },
                { name: "conf", configMap: { name: "x" } },
              ],
              tolerations: [{ key: "a", operator: "Exists" }],
            },
          },
        },
      },
      only,
    },
    {
      name: "an update of one field",
      send: `PATCH ${deployments}/web?fieldManager=updater`,
      type: "application/strategic-merge-patch+json",
      body: { spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } } },
      only,
    },
    {
      name: "a status",
      send: `PATCH ${deployments}/web/status?fieldManager=reporter`,
      type: merge,
      body: {
        status: {
          replicas: 1,
          conditions: [
            {
              type: "Mine",
              status: "True",
              lastUpdateTime: "2026-01-01T00:00:00Z",
              lastTransitionTime: "2026-01-01T00:00:00Z",
            },
          ],
        },
      },
      only,
    },
    {
      name: "a service",
      send: "POST /api/v1/namespaces/$ns/services",
      body: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
      },
      only,
    },
    {
      name: "a pod",
      send: "POST /api/v1/namespaces/$ns/pods?dryRun=All",
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", labels: { a: "b" } },
        spec: { containers: [{ name: "c", image: "i" }] },
      },
      only,
    },
    {
      name: "a secret",
      send: "POST /api/v1/namespaces/$ns/secrets",
      body: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "b" } },
      only,
    },
    {
      name: "a role",
      send: "POST /apis/rbac.authorization.k8s.io/v1/namespaces/$ns/roles",
      body: {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { name: "r" },
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
      },
      only,
    },
    {
      name: "a manager by the program's name",
      send: `POST ${maps}`,
      headers: { "user-agent": "tool/v1.2 (linux) more" },
      body: configMap("two"),
      only,
    },
    {
      name: "a manager that is too long",
      send: `POST ${maps}?fieldManager=${"x".repeat(129)}`,
      body: configMap("three"),
      only,
    },
  ],
};
