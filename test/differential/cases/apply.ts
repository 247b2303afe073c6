import type { Case, RequestStep } from "../case.ts";

const maps = "/api/v1/namespaces/$ns/configmaps";
const deployments = "/apis/apps/v1/namespaces/$ns/deployments";
const ingresses = "/apis/networking.k8s.io/v1/namespaces/$ns/ingresses";
const services = "/api/v1/namespaces/$ns/services";

const apply = (name: string, path: string, body: unknown, query = "fieldManager=one"): RequestStep => ({
  name,
  send: `PATCH ${path}?${query}`,
  type: "application/apply-patch+yaml",
  body,
  // The controller of deployments writes at times of its own.
  ...(path.startsWith(deployments) ? { only: ["metadata.managedFields", "metadata.generation", "spec"] } : {}),
});
const map = (data: object, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "shared", ...metadata },
  data,
});
const web = (spec: object, pod: object = {}): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    paused: true,
    selector: { matchLabels: { app: "web" } },
    ...spec,
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }], ...pod } },
  },
});

/** Server-side apply: who owns what, conflicts, force, what goes when it is said no more. */
export const serverSideApply: Case = {
  name: "apply",
  steps: [
    apply("create", `${maps}/shared`, map({ a: "1", b: "1" }, { labels: { x: "1" } })),
    apply("the same again", `${maps}/shared`, map({ a: "1", b: "1" }, { labels: { x: "1" } })),
    apply("something else", `${maps}/shared`, map({ a: "1", c: "1" })),
    apply("another manager adds", `${maps}/shared`, map({ d: "2" }), "fieldManager=two"),
    apply("another manager agrees", `${maps}/shared`, map({ a: "1", d: "2" }), "fieldManager=two"),
    apply("another manager disagrees", `${maps}/shared`, map({ a: "2", c: "2", d: "2" }), "fieldManager=two"),
    apply("another manager forces", `${maps}/shared`, map({ a: "2", d: "2" }), "fieldManager=two&force=true"),
    apply("what was taken is left alone", `${maps}/shared`, map({ c: "1" })),
    apply("what nobody wants goes", `${maps}/shared`, map({ d: "2" }), "fieldManager=two"),
    {
      name: "an update takes over",
      send: `PATCH ${maps}/shared?fieldManager=three`,
      type: "application/merge-patch+json",
      body: { data: { c: "3" } },
    },
    apply("a conflict with an update", `${maps}/shared`, map({ c: "1" })),
    apply(
      "the dry run of a conflict's solution",
      `${maps}/shared`,
      map({ c: "1" }),
      "fieldManager=one&force=true&dryRun=All",
    ),
    apply("no manager", `${maps}/shared`, map({ c: "1" }), ""),
    apply("another name", `${maps}/other`, map({ c: "1" })),
    apply("an old revision", `${maps}/shared`, map({ c: "3" }, { resourceVersion: "1" })),
    apply(
      "an unknown field",
      `${maps}/shared`,
      { ...map({}), nothing: 1 },
      "fieldManager=one&force=true&fieldValidation=Strict",
    ),
    apply(
      "managed fields in the body",
      `${maps}/shared`,
      map(
        {},
        {
          managedFields: [{ manager: "x", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} }],
        },
      ),
    ),
    apply("no kind", `${maps}/shared`, { metadata: { name: "shared" } }),
    {
      name: "ownership is given up",
      send: `PATCH ${maps}/shared`,
      type: "application/merge-patch+json",
      body: { metadata: { managedFields: [{}] } },
    },
    apply("a deployment", `${deployments}/web`, web({ replicas: 1 })),
    apply("replicas are left to others", `${deployments}/web`, web({})),
    {
      name: "a scaler",
      send: `PATCH ${deployments}/web/scale?fieldManager=scaler`,
      type: "application/merge-patch+json",
      body: { spec: { replicas: 2 } },
      only: ["spec"],
    },
    {
      name: "who owns replicas",
      send: `GET ${deployments}/web`,
      only: ["metadata.managedFields", "metadata.generation", "spec.replicas"],
    },
    apply("a conflict with the scaler", `${deployments}/web`, web({ replicas: 3 })),
    apply(
      "a container is added",
      `${deployments}/web`,
      web(
        {},
        {
          containers: [
            { name: "web", image: "web:1", ports: [{ containerPort: 80 }] },
            { name: "side", image: "side:1", env: [{ name: "A", value: "1" }] },
          ],
        },
      ),
    ),
    apply(
      "another manager's container",
      `${deployments}/web`,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { template: { spec: { containers: [{ name: "mine", image: "mine:1" }] } } },
      },
      "fieldManager=two",
    ),
    apply(
      "a container goes, another's stays",
      `${deployments}/web`,
      web({}, { containers: [{ name: "web", image: "web:2" }] }),
    ),
    apply(
      "the same key twice",
      `${deployments}/web`,
      web(
        {},
        {
          containers: [
            { name: "web", image: "a" },
            { name: "web", image: "b" },
          ],
        },
      ),
    ),
    apply(
      "an atomic list is taken",
      `${deployments}/web`,
      web({}, { containers: [{ name: "web", image: "web:2", args: ["a"] }] }),
    ),
    apply(
      "an atomic list is disputed",
      `${deployments}/web`,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { template: { spec: { containers: [{ name: "web", args: ["b"] }] } } },
      },
      "fieldManager=two",
    ),
    apply(
      "an atomic map is disputed",
      `${deployments}/web`,
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { selector: { matchLabels: { app: "other" } } },
      },
      "fieldManager=two",
    ),
    apply("status is left out", `${deployments}/web`, { ...web({}), status: { replicas: 5 } }, "fieldManager=three"),
    {
      name: "an ingress",
      send: `POST ${ingresses}`,
      body: {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "in" },
        spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
      },
    },
    apply(
      "status by itself",
      `${ingresses}/in/status`,
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "in" },
        spec: { ingressClassName: "left-out" },
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
      },
      "fieldManager=four",
    ),
    apply("a service", `${services}/web`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ port: 80, name: "http" }], selector: { app: "web" } },
    }),
    apply("a service's port changes", `${services}/web`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ port: 81, name: "http" }], selector: { app: "web" } },
    }),
  ],
};
