import { expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { ConfigStore } from "../ingest/store.ts";
import { findSecurityProblems } from "./security-problems.ts";

const object = (apiVersion: string, kind: string, name: string, rest: object): KubeObject =>
  ({ apiVersion, kind, metadata: { name, namespace: "shop", resourceVersion: "1" }, ...rest }) as KubeObject;
const mesh = {
  ...object("v1", "ConfigMap", "istio", {}),
  metadata: { name: "istio", namespace: "istio-system" },
  data: {
    mesh: `
extensionProviders:
  - { name: one, envoyExtAuthzHttp: { service: auth.shop.svc.cluster.local, port: 80 } }
  - { name: two, envoyExtAuthzGrpc: { service: auth.shop.svc.cluster.local, port: 80 } }
  - { name: lost, envoyExtAuthzGrpc: { service: nowhere.shop.svc.cluster.local, port: 80 } }
  - { name: shut, envoyExtAuthzGrpc: { service: auth.shop.svc.cluster.local, port: 81 } }`,
  },
};
const service = object("v1", "Service", "auth", {
  spec: { clusterIP: "10.96.0.9", selector: { app: "auth" }, ports: [{ name: "http", port: 80 }] },
});
const pod = (name: string, labels: object, annotations: object = {}): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels, annotations },
    spec: { serviceAccountName: name },
    status: { podIP: `10.244.0.${name.length}`, phase: "Running" },
  }) as KubeObject;
const custom = (name: string, provider: string, spec: object = { rules: [{}] }): KubeObject =>
  object("security.istio.io/v1", "AuthorizationPolicy", name, {
    spec: { action: "CUSTOM", provider: { name: provider }, ...spec },
  });
const gateway = object("networking.istio.io/v1", "Gateway", "door", {
  spec: {
    selector: { app: "door" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  },
});
const byClaim = object("networking.istio.io/v1", "VirtualService", "by-claim", {
  spec: {
    hosts: ["*"],
    gateways: ["door"],
    http: [{ match: [{ headers: { "@request.auth.claims.a": { exact: "b" } } }], directResponse: { status: 200 } }],
  },
});
const tokens = object("security.istio.io/v1", "RequestAuthentication", "tokens", {
  spec: { selector: { matchLabels: { app: "door" } }, jwtRules: [{ issuer: "i", jwks: "{}" }] },
});
const cart = pod("cart", { app: "cart" });
const enrolled = pod("stock", { app: "stock" }, { "ambient.istio.io/redirection": "enabled" });

it.each<[string, readonly KubeObject[], RegExp | undefined]>([
  ["a provider that is there", [cart, custom("p", "one")], undefined],
  [
    "one that is not",
    [cart, custom("p", "on")],
    /provider on is no external authorizer .*: there are one, two, lost, shut; what/,
  ],
  [
    "one whose service is not",
    [custom("p", "lost")],
    /service nowhere.* of provider lost is not known; what .* is denied/,
  ],
  ["one whose service has no such port", [custom("p", "shut")], /has no port 81/],
  [
    "two for one workload",
    [cart, custom("p", "one"), custom("q", "two")],
    /cart has CUSTOM policies of several providers/,
  ],
  [
    "claims before tokens are read",
    [custom("p", "one", { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] })],
    /asked before tokens are read/,
  ],
  [
    "a workload in ambient mode",
    [enrolled, custom("p", "one")],
    /stock is in ambient mode: its ztunnel does not enforce CUSTOM/,
  ],
  [
    "a route on claims at a gateway that reads tokens",
    [pod("door", { app: "door" }), gateway, byClaim, tokens],
    undefined,
  ],
  [
    "one at a gateway that reads none",
    [pod("door", { app: "door" }), gateway, byClaim],
    /no RequestAuthentication is for shop\/door/,
  ],
])("%s", (_, objects, message) => {
  const store = new ConfigStore();
  for (const one of [mesh as KubeObject, service, ...objects]) store.put(one);
  expect(store.problems).toEqual([]);
  const found = findSecurityProblems(store.build()).map((problem) => problem.message);
  if (message === undefined) expect(found).toEqual([]);
  else expect(found).toContainEqual(expect.stringMatching(message));
});
