import { describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { ConfigStore } from "../ingest/store.ts";
import type { ProxyNode } from "../model/snapshot.ts";
import { Memo } from "./memo.ts";
import { mtlsModeOf } from "./peer-authentication.ts";
import { scopeOf } from "./scope.ts";

interface Fields {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly spec: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly created?: string;
}

const object = ({
  kind,
  name,
  namespace,
  spec,
  annotations = {},
  created = "",
}: Fields): KubeObject & { spec: object } => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace, annotations, creationTimestamp: created },
  spec,
});

const snapshotOf = (...fields: readonly Fields[]) => {
  const store = new ConfigStore();
  for (const one of fields) store.put(object(one));
  return store.build();
};

const clientIn = (namespace: string, labels: Record<string, string> = {}): ProxyNode => ({
  id: `client.${namespace}`,
  type: "sidecar",
  addresses: ["10.244.0.9"],
  name: "client",
  namespace,
  labels,
  ports: {},
  version: "test",
  intercepts: true,
  hbone: false,
  readsSecrets: false,
});

const cart = "cart.shop.svc.cluster.local";
const rule = (namespace: string, name: string, fields: object = {}): Fields => ({
  kind: "DestinationRule",
  name,
  namespace,
  spec: { host: cart, ...fields },
});

describe("what a namespace sees", () => {
  it("keeps services to where they are exported", () => {
    const service = (name: string, exportTo?: string): Fields => ({
      kind: "Service",
      name,
      namespace: "shop",
      spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] },
      ...(exportTo === undefined ? {} : { annotations: { "networking.istio.io/exportTo": exportTo } }),
    });
    const snapshot = snapshotOf(service("open"), service("own", "."), service("friends", "other,third"));
    const seenBy = (namespace: string) =>
      scopeOf(snapshot, clientIn(namespace), new Memo()).services.map(({ name }) => name);
    expect(seenBy("shop")).toEqual(["open", "own"]);
    expect(seenBy("other")).toEqual(["friends", "open"]);
    expect(seenBy("fourth")).toEqual(["open"]);
  });

  it.each([
    ["other", "other/mine"],
    ["shop", "shop/theirs"],
    ["third", "shop/theirs"],
  ])("takes the rule of the client's namespace %s first, then the service's", (namespace, expected) => {
    const snapshot = snapshotOf(rule("other", "mine"), rule("shop", "theirs"), rule("istio-system", "everyone"));
    const { origin } = scopeOf(snapshot, clientIn(namespace), new Memo()).destinationRule(cart, "shop") ?? {
      origin: undefined,
    };
    expect(`${origin?.namespace}/${origin?.name}`).toBe(expected);
  });

  it("falls back to the root namespace, and merges the subsets of one namespace", () => {
    const root = snapshotOf(rule("istio-system", "everyone"), rule("shop", "private", { exportTo: ["."] }));
    expect(scopeOf(root, clientIn("other"), new Memo()).destinationRule(cart, "shop")?.origin.name).toBe("everyone");
    const merged = snapshotOf(
      rule("shop", "a", { subsets: [{ name: "v1" }] }),
      rule("shop", "b", {
        subsets: [{ name: "v1" }, { name: "v2" }],
        trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
      }),
    );
    const { spec } = scopeOf(merged, clientIn("shop"), new Memo()).destinationRule(cart, "shop") ?? { spec: undefined };
    expect(spec?.subsets?.map(({ name }) => name)).toEqual(["v1", "v2"]);
    expect(spec?.trafficPolicy?.loadBalancer?.simple).toBe("RANDOM");
  });

  it("routes by the narrowest host, and by the older of two equals", () => {
    const routes = (name: string, host: string, created: string): Fields => ({
      kind: "VirtualService",
      name,
      namespace: "shop",
      created,
      spec: { hosts: [host] },
    });
    const snapshot = snapshotOf(
      routes("young", "cart", "2026-02-01T00:00:00Z"),
      routes("old", "cart", "2026-01-01T00:00:00Z"),
      routes("wide", "*.shop.svc.cluster.local", "2025-01-01T00:00:00Z"),
    );
    const { meshRoutes } = scopeOf(snapshot, clientIn("shop"), new Memo());
    expect(meshRoutes.get(cart)?.origin.name).toBe("old");
    expect(meshRoutes.get("ledger.shop.svc.cluster.local")?.origin.name).toBe("wide");
  });
});

describe("Sidecar", () => {
  const service = (name: string, namespace: string): Fields => ({
    kind: "Service",
    name,
    namespace,
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] },
  });
  const sidecar = (name: string, spec: object, namespace = "shop"): Fields => ({
    kind: "Sidecar",
    name,
    namespace,
    spec,
  });
  const services = [service("cart", "shop"), service("partner", "example"), service("istiod", "istio-system")];
  const seen = (fields: readonly Fields[], client = clientIn("shop")) => {
    const { services: found, outboundMode } = scopeOf(snapshotOf(...services, ...fields), client, new Memo());
    return `${outboundMode}: ${found.map(({ name }) => name).join()}`;
  };

  it.each<[string, readonly Fields[], ProxyNode | undefined, string]>([
    ["none: everything", [], undefined, "ALLOW_ANY: cart,istiod,partner"],
    [
      "imports the hosts that it names",
      [sidecar("default", { egress: [{ hosts: ["./*", "istio-system/*"] }] })],
      undefined,
      "ALLOW_ANY: cart,istiod",
    ],
    ["~ imports nothing", [sidecar("default", { egress: [{ hosts: ["~/*"] }] })], undefined, "ALLOW_ANY: "],
    [
      "a policy without a mode lets only known traffic out",
      [sidecar("default", { outboundTrafficPolicy: {} })],
      undefined,
      "REGISTRY_ONLY: cart,istiod,partner",
    ],
    [
      "one that selects the proxy comes before the namespace's",
      [
        sidecar("a", { egress: [{ hosts: ["./*"] }] }),
        sidecar("b", { workloadSelector: { labels: { app: "web" } }, egress: [{ hosts: ["example/*"] }] }),
      ],
      clientIn("shop", { app: "web" }),
      "ALLOW_ANY: partner",
    ],
    [
      "the root namespace's is for namespaces that have none",
      [sidecar("mesh", { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } }, "istio-system")],
      undefined,
      "REGISTRY_ONLY: cart,istiod,partner",
    ],
    [
      "not for gateways",
      [sidecar("default", { egress: [{ hosts: ["~/*"] }] })],
      { ...clientIn("shop"), type: "router" },
      "ALLOW_ANY: cart,istiod,partner",
    ],
  ])("%s", (_, fields, client, expected) => {
    expect(seen(fields, client)).toBe(expected);
  });
});

describe("mutual TLS mode", () => {
  const policy = (namespace: string, name: string, spec: object): Fields => ({
    kind: "PeerAuthentication",
    name,
    namespace,
    spec,
  });
  const target = { namespace: "shop", labels: { app: "cart" } };
  const own = { selector: { matchLabels: { app: "cart" } } };

  it.each([
    ["nothing said", [], "PERMISSIVE"],
    ["the mesh", [policy("istio-system", "default", { mtls: { mode: "STRICT" } })], "STRICT"],
    [
      "the namespace over the mesh",
      [
        policy("istio-system", "default", { mtls: { mode: "STRICT" } }),
        policy("shop", "default", { mtls: { mode: "DISABLE" } }),
      ],
      "DISABLE",
    ],
    [
      "the workload over the namespace",
      [
        policy("shop", "default", { mtls: { mode: "DISABLE" } }),
        policy("shop", "cart", { ...own, mtls: { mode: "STRICT" } }),
      ],
      "STRICT",
    ],
    [
      "the port over the workload",
      [policy("shop", "cart", { ...own, mtls: { mode: "STRICT" }, portLevelMtls: { "8080": { mode: "PERMISSIVE" } } })],
      "PERMISSIVE",
    ],
    [
      "what is unset, from above",
      [
        policy("shop", "default", { mtls: { mode: "STRICT" } }),
        policy("shop", "cart", { ...own, mtls: { mode: "UNSET" } }),
      ],
      "STRICT",
    ],
    ["not that of others", [policy("other", "default", { mtls: { mode: "STRICT" } })], "PERMISSIVE"],
  ] as const)("%s", (_name, policies, expected) => {
    expect(mtlsModeOf(snapshotOf(...policies), target)(8080)).toBe(expected);
  });
});
