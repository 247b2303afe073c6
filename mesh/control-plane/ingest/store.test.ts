import { describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { ConfigStore } from "./store.ts";

type Body = Readonly<Record<string, unknown>>;
const object = (kind: string, name: string, body: Body, version = "1"): KubeObject & Body => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "shop", resourceVersion: version, labels: body.labels as Record<string, string> },
  ...body,
});

const service = object("Service", "cart", { spec: { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 80 }] } });
const pod = (status: Body, version = "1") =>
  object("Pod", "cart-1", { labels: { app: "cart" }, spec: { serviceAccountName: "cart" }, status }, version);
const slice = (ready: boolean) =>
  object("EndpointSlice", "cart-x", {
    labels: { "kubernetes.io/service-name": "cart" },
    ports: [{ name: "http", port: 8080 }],
    endpoints: [{ addresses: ["10.244.0.5"], conditions: { ready }, targetRef: { kind: "Pod", name: "cart-1" } }],
  });
const routes = (spec: Body, version = "1") => object("VirtualService", "cart", { spec }, version);
const host = "cart.shop.svc.cluster.local";

describe("the store", () => {
  it("joins endpoints with their pods, and keeps those that are ready", () => {
    const store = new ConfigStore();
    store.put(service);
    store.put(pod({ podIP: "10.244.0.5", phase: "Running" }));
    store.put(slice(true));
    const endpoints = store.build().endpoints.get(host);
    expect(endpoints).toMatchObject([
      { address: "10.244.0.5", ports: { http: 8080 }, workload: { serviceAccount: "cart" } },
    ]);
    store.put(slice(false));
    expect(store.build().endpoints.get(host)).toEqual([]);
  });

  it("says what changed, and that an equal value is no change", () => {
    const store = new ConfigStore();
    expect(store.put(service)).toBe("config");
    expect(store.put({ ...service, metadata: { ...service.metadata, resourceVersion: "2" } })).toBe("none");
    expect(store.put(pod({ podIP: "10.244.0.5", phase: "Running" }))).toBe("endpoints");
    expect(store.put(pod({ podIP: "10.244.0.5", phase: "Running", conditions: [{ type: "Ready" }] }, "3"))).toBe(
      "none",
    );
    expect(store.put(pod({ podIP: "10.244.0.5", phase: "Succeeded" }, "4"))).toBe("endpoints");
    expect(store.delete(service)).toBe("config");
    expect(store.delete(service)).toBe("none");
  });

  it("builds snapshots that share what did not change and never change themselves", () => {
    const store = new ConfigStore();
    store.put(service);
    const first = store.build();
    store.put(routes({ hosts: ["cart"] }));
    const second = store.build();
    expect(second.services).toBe(first.services);
    expect(second.endpoints).toBe(first.endpoints);
    expect(first.virtualServices).toEqual([]);
    expect(second.virtualServices).toHaveLength(1);
    expect(second.generation).toBe(first.generation + 1);
  });

  it.each([
    ["a duration that is none", { hosts: ["cart"], http: [{ timeout: "soon" }] }, "spec.http[0].timeout"],
    [
      "a regular expression outside RE2",
      { hosts: ["cart"], http: [{ match: [{ uri: { regex: "(?=a)" } }] }] },
      "spec.http[0].match[0].uri.regex",
    ],
    ["a wrong type", { hosts: "cart" }, "hosts"],
  ])("leaves out %s and says where it is", (_name, spec, place) => {
    const store = new ConfigStore();
    store.put(routes(spec));
    expect(store.build().virtualServices).toEqual([]);
    expect(store.problems[0]?.message).toContain(place);
    store.put(routes({ hosts: ["cart"] }));
    expect(store.problems).toEqual([]);
  });

  it("knows since which snapshot a version is in force", () => {
    const store = new ConfigStore();
    store.build();
    store.put(routes({ hosts: ["cart"] }, "7"));
    store.build();
    expect(store.inclusionOf("VirtualService/shop/cart")).toEqual({ resourceVersion: "7", generation: 2 });
    store.put(routes({ hosts: ["cart"] }, "8"));
    store.build();
    expect(store.inclusionOf("VirtualService/shop/cart")).toEqual({ resourceVersion: "8", generation: 2 });
    expect(store.inclusionOf("VirtualService/shop/other")).toBeUndefined();
  });
});
