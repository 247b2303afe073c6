import { type Case, configMap, type RequestStep } from "../case.ts";

const deployments = "/apis/apps/v1/namespaces/$ns/deployments";
const maps = "/api/v1/namespaces/$ns/configmaps";
const json = "application/json-patch+json";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", labels: { a: "1" } },
  spec: {
    replicas: 0,
    paused: true,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            name: "web",
            image: "web:1",
            args: ["a", "b"],
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "2" },
            ],
            ports: [
              { name: "http", containerPort: 80 },
              { name: "dns", containerPort: 53, protocol: "UDP" },
            ],
          },
          { name: "other", image: "other:1" },
        ],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    },
  },
};

const only = ["metadata.labels", "metadata.annotations", "metadata.generation", "spec"];
const scaleOnly = ["kind", "apiVersion", "metadata.name", "spec", "status.selector"];
const patch = (name: string, type: string, body: unknown): RequestStep => ({
  name,
  send: `PATCH ${deployments}/web`,
  type,
  body,
  only,
});
const container = (change: object): object => ({
  spec: { template: { spec: { containers: [{ name: "web", ...change }] } } },
});

/** The three patches that say what to change; server-side apply has its own case. */
export const patches: Case = {
  name: "patches",
  steps: [
    { name: "deployment", send: `POST ${deployments}`, body: deployment, only },
    patch("JSON: replace, add, remove", json, [
      { op: "replace", path: "/metadata/labels/a", value: "2" },
      { op: "add", path: "/metadata/annotations", value: { "example.com/x": "y" } },
      { op: "remove", path: "/spec/template/spec/containers/1" },
    ]),
    patch("JSON: a test that holds", json, [{ op: "test", path: "/metadata/labels/a", value: "2" }]),
    patch("JSON: a test that fails", json, [{ op: "test", path: "/metadata/labels/a", value: "3" }]),
    patch("JSON: remove what is not there", json, [{ op: "remove", path: "/metadata/labels/none" }]),
    patch("JSON: replace what is not there", json, [{ op: "replace", path: "/spec/nothing/there", value: 1 }]),
    patch("JSON: not a list", json, { op: "remove" }),
    patch("JSON: not an operation", json, [{ op: "jump", path: "/spec" }]),
    patch("JSON: move and copy", json, [
      { op: "copy", from: "/metadata/labels/a", path: "/metadata/labels/b" },
      { op: "move", from: "/metadata/labels/a", path: "/metadata/labels/c" },
    ]),
    patch("JSON: the name", json, [{ op: "replace", path: "/metadata/name", value: "other" }]),
    patch("merge: set and remove", merge, { metadata: { labels: { b: null, d: "4" } } }),
    patch("merge: a list is replaced", merge, {
      spec: { template: { spec: { containers: [{ name: "only", image: "only:1" }] } } },
    }),
    patch("merge: not an object", merge, ["a"]),
    patch("merge: no JSON", merge, "{"),
    patch("merge: an old revision", merge, { metadata: { resourceVersion: "1" }, spec: { replicas: 0 } }),
    // The message holds the whole object.
    { ...patch("merge: a wrong type", merge, { spec: { replicas: "many" } }), only: ["code", "reason"] },
    patch("merge: nothing", merge, {}),
    patch("strategic: a container is added", strategic, container({ image: "web:2" })),
    patch("strategic: a container is changed", strategic, container({ env: [{ name: "A", value: "1" }], args: ["c"] })),
    patch("strategic: variables are merged", strategic, container({ env: [{ name: "B", value: "2" }], args: ["d"] })),
    patch("strategic: a variable is deleted", strategic, container({ env: [{ name: "A", $patch: "delete" }] })),
    patch("strategic: ports are merged", strategic, container({ ports: [{ containerPort: 80, name: "http" }] })),
    patch(
      "strategic: another protocol",
      strategic,
      container({ ports: [{ containerPort: 53, name: "dns", protocol: "UDP" }] }),
    ),
    patch(
      "strategic: the same port, another name",
      strategic,
      container({ ports: [{ containerPort: 80, name: "web" }] }),
    ),
    patch("strategic: a container is deleted", strategic, container({ $patch: "delete" })),
    patch("strategic: the order", strategic, {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": [{ name: "new" }, { name: "only" }],
            containers: [{ name: "new", image: "new:1" }],
          },
        },
      },
    }),
    patch("strategic: a list is replaced", strategic, {
      spec: { template: { spec: { containers: [{ $patch: "replace" }, { name: "web", image: "web:3" }] } } },
    }),
    patch("strategic: keys are retained", strategic, {
      spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
    }),
    patch("strategic: a map is replaced", strategic, { metadata: { labels: { $patch: "replace", e: "5" } } }),
    patch("strategic: a volume's kind changes", strategic, {
      spec: { template: { spec: { volumes: [{ name: "data", emptyDir: null, configMap: { name: "x" } }] } } },
    }),
    patch("strategic: tolerations are replaced", strategic, {
      spec: { template: { spec: { tolerations: [{ key: "a", operator: "Exists" }] } } },
    }),
    patch("strategic: tolerations again", strategic, {
      spec: { template: { spec: { tolerations: [{ key: "b", operator: "Exists" }] } } },
    }),
    patch("strategic: null removes", strategic, { metadata: { annotations: null } }),
    patch("strategic: a directive that is none", strategic, { metadata: { $patch: "jump" } }),
    patch("strategic: a container without a name", strategic, {
      spec: { template: { spec: { containers: [{ image: "x" }] } } },
    }),
    patch("an unknown kind of patch", "application/what-patch+json", {}),
    { name: "patch what is not there", send: `PATCH ${deployments}/none`, type: merge, body: {} },
    {
      name: "a map",
      send: `POST ${maps}`,
      body: configMap("one", {}, { finalizers: ["example.com/a"] }),
      only: ["metadata.finalizers"],
    },
    {
      name: "strategic: finalizers are a set",
      send: `PATCH ${maps}/one`,
      type: strategic,
      body: { metadata: { finalizers: ["example.com/b"] } },
      only: ["metadata.finalizers"],
    },
    {
      name: "strategic: a finalizer is deleted",
      send: `PATCH ${maps}/one`,
      type: strategic,
      body: { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } },
      only: ["metadata.finalizers"],
    },
    {
      name: "the last finalizers go",
      send: `PATCH ${maps}/one`,
      type: merge,
      body: { metadata: { finalizers: null } },
      only: ["metadata.finalizers"],
    },
    {
      name: "scale",
      send: `PATCH ${deployments}/web/scale`,
      type: merge,
      body: { spec: { replicas: 1 } },
      only: scaleOnly,
    },
    { name: "scale is read", send: `GET ${deployments}/web/scale`, only: scaleOnly },
    {
      name: "scale by replacing",
      send: `PUT ${deployments}/web/scale`,
      body: {
        apiVersion: "autoscaling/v1",
        kind: "Scale",
        metadata: { name: "web", namespace: "$ns" },
        spec: { replicas: 0 },
      },
      only: scaleOnly,
    },
    {
      name: "scale below nothing",
      send: `PATCH ${deployments}/web/scale`,
      type: merge,
      body: { spec: { replicas: -1 } },
    },
  ],
};
