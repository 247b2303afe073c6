import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import type { INode } from "kubernetes-models/v1/Node";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { systemClock, timestamp } from "../machinery/clock.ts";
import { appsV1, coreV1, type ResourceType } from "../machinery/resources.ts";
import type { Pod, Service } from "../node/kinds.ts";
import { startControllers } from "./controllers.ts";
import type { Deployment } from "./deployment.ts";
import type { EndpointSlice } from "./endpoint-slice.ts";
import type { ReplicaSet } from "./replica-set.ts";
import { SmallApi } from "./testing/small-api.ts";

const sliceType: ResourceType = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
const types = [
  ...["namespaces", "nodes", "pods", "services", "serviceaccounts", "configmaps"].map(coreV1),
  ...["deployments", "replicasets", "daemonsets", "statefulsets"].map(appsV1),
  sliceType,
].map((type) => ({ ...type, namespaced: type.resource !== "namespaces" && type.resource !== "nodes" }));
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let api: SmallApi;
let stop: () => void;
let disposers: (() => void)[];

beforeEach(async () => {
  api = new SmallApi();
  const node: INode & KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "slipway" } };
  await api.create(coreV1("nodes"), node);
  const controllers = startControllers({
    resources: api,
    clock: systemClock,
    logger: silent,
    events: { record: () => {} },
    types: { all: () => types, onChange: () => () => {} },
    clusterCa: "the CA",
  });
  disposers = [];
  stop = controllers.stop;
});

afterEach(() => {
  for (const dispose of disposers) dispose();
  stop();
});

const pods = async (): Promise<readonly Pod[]> => (await api.list<Pod>(coreV1("pods"))).items;
const deployment = (image: string, change: object = {}): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "cart", namespace: "shop" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "cart" } },
      template: { metadata: { labels: { app: "cart" } }, spec: { containers: [{ name: "cart", image }] } },
      ...change,
    },
  }) as Deployment;

async function makeReady(pod: Pod, ip: string): Promise<void> {
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: timestamp(Date.now()) }];
  await api
    .patch(coreV1("pods"), pod.metadata.namespace, pod.metadata.name ?? "", {
      type: "merge",
      body: { status: { phase: "Running", podIP: ip, conditions } },
    })
    .catch(() => {}); // it may be gone already
}

/** Plays the node: every pod that is bound becomes ready. */
function playNode(): void {
  let next = 1;
  const seen = new Set<string>();
  const dispose = api.watch<Pod>(
    coreV1("pods"),
    {},
    {
      onEvent: ({ type, object }) => {
        const { uid = "" } = object.metadata;
        if (type === "DELETED" || object.spec?.nodeName === undefined || seen.has(uid)) return;
        seen.add(uid);
        setImmediate(() => void makeReady(object, `10.244.0.${next++}`));
      },
    },
  );
  disposers.push(dispose);
}

const current = async (): Promise<Deployment | undefined> => api.get<Deployment>(appsV1("deployments"), "shop", "cart");

test("a Deployment becomes pods on a node, and a Service finds them", async () => {
  playNode();
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "cart", namespace: "shop" },
    spec: { selector: { app: "cart" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  };
  await Promise.all([api.create(coreV1("services"), service), api.create(appsV1("deployments"), deployment("one"))]);
  await vi.waitFor(async () => {
    expect((await current())?.status).toMatchObject({ readyReplicas: 2, availableReplicas: 2, updatedReplicas: 2 });
    const [slice] = (await api.list<EndpointSlice>(sliceType)).items;
    expect(slice?.endpoints?.filter(({ conditions }) => conditions?.ready).length).toBe(2);
    expect(slice?.ports).toEqual([{ name: "http", port: 8080, protocol: "TCP" }]);
  });
  expect((await pods()).map(({ spec }) => spec?.nodeName)).toEqual(["slipway", "slipway"]);
  await vi.waitFor(async () =>
    expect(await api.get(coreV1("endpoints"), "shop", "cart")).toMatchObject({
      subsets: [
        {
          addresses: [{ ip: "10.244.0.1" }, { ip: "10.244.0.2" }],
          ports: [{ name: "http", port: 8080, protocol: "TCP" }],
        },
      ],
    }),
  );
  expect((await current())?.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ["Available", "True", "MinimumReplicasAvailable"],
    ["Progressing", "True", "NewReplicaSetAvailable"],
  ]);
});

test("a rollout never goes below what must be available, and can be undone", async () => {
  playNode();
  await api.create(
    appsV1("deployments"),
    deployment("one", { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } }),
  );
  await vi.waitFor(async () => expect((await current())?.status?.availableReplicas).toBe(2));
  let fewest = Number.POSITIVE_INFINITY;
  disposers.push(
    api.watch<Pod>(
      coreV1("pods"),
      {},
      {
        onEvent: ({ type }) => {
          if (type === "DELETED")
            void pods().then((all) => {
              fewest = Math.min(fewest, all.filter(({ status }) => status?.phase === "Running").length);
            });
        },
      },
    ),
  );
  const image = async (name: string): Promise<void> => {
    const containers = [{ name: "cart", image: name }];
    await api.patch(appsV1("deployments"), "shop", "cart", {
      type: "merge",
      body: { spec: { template: { spec: { containers } } } },
    });
    await vi.waitFor(async () => {
      expect((await pods()).map(({ spec }) => spec?.containers?.[0]?.image)).toEqual([name, name]);
      expect((await current())?.status).toMatchObject({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 });
    });
  };
  await image("two");
  expect(fewest).toBeGreaterThanOrEqual(2);
  await image("one");
  const sets = (await api.list<ReplicaSet>(appsV1("replicasets"))).items;
  expect(sets.length).toBe(2);
  await vi.waitFor(async () =>
    expect((await current())?.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3"),
  );
});

test("a pod that is deleted comes back, and all go with the Deployment", async () => {
  playNode();
  await api.create(appsV1("deployments"), deployment("one"));
  await vi.waitFor(async () => expect((await current())?.status?.availableReplicas).toBe(2));
  const [first] = await pods();
  await api.delete(coreV1("pods"), "shop", first?.metadata.name ?? "");
  await vi.waitFor(async () => {
    const names = (await pods()).map(({ metadata }) => metadata.name);
    expect(names.length).toBe(2);
    expect(names).not.toContain(first?.metadata.name);
  });
  await api.delete(appsV1("deployments"), "shop", "cart");
  await vi.waitFor(
    async () => expect([...(await pods()), ...(await api.list(appsV1("replicasets"))).items]).toEqual([]),
    8000,
  );
});

test("a StatefulSet's pods come one after the other, by name", async () => {
  playNode();
  const { spec, ...rest } = deployment("one", { replicas: 3 });
  const set: KubeObject & { readonly spec: object } = {
    ...rest,
    kind: "StatefulSet",
    spec: { ...spec, serviceName: "cart" },
  };
  await api.create(appsV1("statefulsets"), set);
  await vi.waitFor(async () => {
    expect((await pods()).map(({ metadata }) => metadata.name)).toEqual(["cart-0", "cart-1", "cart-2"]);
    const found = await api.get<IStatefulSet & KubeObject>(appsV1("statefulsets"), "shop", "cart");
    expect(found?.status).toMatchObject({ readyReplicas: 3, currentReplicas: 3 });
    expect(found?.status?.currentRevision).toBe(found?.status?.updateRevision);
  });
});

test("a namespace gets its service account and the cluster's CA", async () => {
  await api.create(coreV1("namespaces"), { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await vi.waitFor(async () => {
    expect(await api.get<IServiceAccount & KubeObject>(coreV1("serviceaccounts"), "shop", "default")).toBeDefined();
    expect(await api.get(coreV1("configmaps"), "shop", "kube-root-ca.crt")).toMatchObject({
      data: { "ca.crt": "the CA" },
    });
  });
});
