import { describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { RegexCache } from "#mesh/lib/match/regex.ts";
import type { PolicyFacts } from "#mesh/lib/policy/facts.ts";
import { compileRbac } from "#mesh/lib/policy/rbac.ts";
import { ConfigStore } from "../../ingest/store.ts";
import { httpAuthorization, networkAuthorization } from "./filters.ts";
import { policiesOf } from "./policies.ts";
import { rbacRules } from "./rules.ts";

/** What is asked of the rules that a policy becomes: the same compiler that proxies have. */
interface Ask {
  readonly from?: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly address?: string;
  readonly client?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly claims?: unknown;
  readonly tcp?: boolean;
  readonly sni?: string;
}

function factsOf(ask: Ask): PolicyFacts {
  const pseudo: Readonly<Record<string, string>> = {
    ":method": ask.method ?? "GET",
    ":authority": ask.host ?? "ledger",
    ":path": ask.path ?? "/",
  };
  return {
    principal: ask.from ?? "",
    mutual: ask.from !== undefined,
    directAddress: ask.address ?? "10.244.0.9",
    remoteAddress: ask.client ?? ask.address ?? "10.244.0.9",
    destinationAddress: "10.244.0.5",
    destinationPort: ask.port ?? 8080,
    serverName: ask.sni ?? "",
    headers:
      ask.tcp === true
        ? undefined
        : {
            get: (name) => pseudo[name] ?? ask.headers?.[name],
            values: (name) => ask.headers?.[name]?.split(",") ?? [],
          },
    path: (ask.path ?? "/").split("?")[0] ?? "",
    state: () => undefined,
    metadata: (_filter, path) =>
      path.slice(1).reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], ask.claims),
  };
}

const payments = "spiffe://cluster.local/ns/shop/sa/payments";
const storefront = "spiffe://cluster.local/ns/shop/sa/storefront";
const stranger = "spiffe://cluster.local/ns/other/sa/payments";

function policy(spec: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "p", namespace: "shop", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
    spec,
  } as KubeObject;
}

function policiesFor(...objects: readonly KubeObject[]) {
  const store = new ConfigStore();
  for (const object of objects) store.put(object);
  expect(store.problems).toEqual([]);
  return policiesOf(store.build(), { namespace: "shop", labels: { app: "ledger" } });
}

interface Spec {
  readonly action?: string;
  readonly rules?: readonly unknown[];
}

function allows(spec: Spec, ask: Ask): boolean {
  const { allow, deny } = policiesFor(policy(spec));
  const [rules, action] = spec.action === "DENY" ? ([deny, "DENY"] as const) : ([allow, "ALLOW"] as const);
  return compileRbac(
    rbacRules(rules, action, { l4Only: ask.tcp === true, tunnelled: false }),
    new RegexCache(),
  )(factsOf(ask)).allowed;
}

const from = (source: object) => ({ rules: [{ from: [{ source }] }] });
const to = (operation: object) => ({ rules: [{ to: [{ operation }] }] });
const when = (key: string, values: readonly string[]) => ({ rules: [{ when: [{ key, values }] }] });

describe("an AuthorizationPolicy", () => {
  it.each<[string, Spec, Ask, boolean]>([
    ["nothing denies all", {}, { from: payments }, false],
    ["an empty rule allows all", { rules: [{}] }, {}, true],
    ["DENY of nothing denies nothing", { action: "DENY" }, {}, true],
    ["DENY of everything", { action: "DENY", rules: [{}] }, { from: payments }, false],
    ["principal", from({ principals: ["cluster.local/ns/shop/sa/payments"] }), { from: payments }, true],
    ["another principal", from({ principals: ["cluster.local/ns/shop/sa/payments"] }), { from: storefront }, false],
    ["a principal without a certificate", from({ principals: ["*"] }), {}, false],
    ["any principal", from({ principals: ["*"] }), { from: stranger }, true],
    ["principal by suffix", from({ principals: ["*/sa/payments"] }), { from: stranger }, true],
    ["principal by prefix", from({ principals: ["cluster.local/ns/shop/*"] }), { from: stranger }, false],
    ["not this principal", from({ notPrincipals: ["cluster.local/ns/shop/sa/payments"] }), { from: payments }, false],
    ["not a principal, plaintext", from({ notPrincipals: ["cluster.local/ns/shop/sa/payments"] }), {}, true],
    ["namespace", from({ namespaces: ["shop"] }), { from: payments }, true],
    ["another namespace", from({ namespaces: ["shop"] }), { from: stranger }, false],
    ["a namespace is no prefix", from({ namespaces: ["sho"] }), { from: payments }, false],
    ["namespace with wildcard", from({ namespaces: ["sh*"] }), { from: payments }, true],
    ["trust domain", from({ trustDomains: ["cluster.local"] }), { from: payments }, true],
    ["another trust domain", from({ trustDomains: ["cluster"] }), { from: payments }, false],
    ["not this trust domain", from({ notTrustDomains: ["*.local"] }), { from: payments }, false],
    ["trust domain as condition", when("source.trustDomain", ["cluster.local"]), { from: payments }, true],
    ["service account of the policy's namespace", from({ serviceAccounts: ["payments"] }), { from: payments }, true],
    ["service account elsewhere", from({ serviceAccounts: ["payments"] }), { from: stranger }, false],
    ["service account by namespace", from({ serviceAccounts: ["other/payments"] }), { from: stranger }, true],
    ["address block", from({ ipBlocks: ["10.244.0.0/24"] }), { address: "10.244.0.7" }, true],
    ["address outside", from({ ipBlocks: ["10.244.0.0/24"] }), { address: "10.244.1.7" }, false],
    ["one address", from({ ipBlocks: ["10.244.0.7"] }), { address: "10.244.0.8" }, false],
    ["client's address", from({ remoteIpBlocks: ["192.0.2.0/24"] }), { client: "192.0.2.1" }, true],
    ["method", to({ methods: ["GET"] }), { method: "POST" }, false],
    ["method in another case is another", to({ methods: ["GET"] }), { method: "get" }, false],
    ["path", to({ paths: ["/balance"] }), { path: "/balance" }, true],
    ["path with a query", to({ paths: ["/balance"] }), { path: "/balance?all" }, true],
    ["path by prefix", to({ paths: ["/accounts/*"] }), { path: "/accounts/1" }, true],
    ["path by suffix", to({ paths: ["*.json"] }), { path: "/a.json" }, true],
    ["a path is no prefix", to({ paths: ["/admin"] }), { path: "/administrators" }, false],
    ["a path in another case is another", to({ paths: ["/admin"] }), { path: "/Admin" }, false],
    ["template", to({ paths: ["/accounts/{*}/balance"] }), { path: "/accounts/7/balance" }, true],
    ["a template's part is one segment", to({ paths: ["/accounts/{*}/x"] }), { path: "/accounts/7/8/x" }, false],
    ["a template's part is not empty", to({ paths: ["/accounts/{*}/x"] }), { path: "/accounts//x" }, false],
    ["template for the rest", to({ paths: ["/a/{**}"] }), { path: "/a/b/c" }, true],
    ["host in another case", to({ hosts: ["Ledger.shop"] }), { host: "ledger.SHOP" }, true],
    ["host by suffix", to({ hosts: ["*.shop"] }), { host: "evil.test" }, false],
    ["port", to({ ports: ["8080"] }), { port: 8081 }, false],
    ["not this path", to({ notPaths: ["/admin*"] }), { path: "/admin/x" }, false],
    ["two conditions, one holds", to({ methods: ["GET"], paths: ["/x"] }), { method: "GET", path: "/y" }, false],
    ["header", when("request.headers[x-team]", ["red"]), { headers: { "x-team": "red" } }, true],
    ["header missing", when("request.headers[x-team]", ["red"]), {}, false],
    ["header present", when("request.headers[x-team]", ["*"]), { headers: { "x-team": "" } }, true],
    ["server name", when("connection.sni", ["*.shop"]), { sni: "ledger.shop" }, true],
    ["destination's port", when("destination.port", ["8080"]), { port: 8080 }, true],
    ["claim", when("request.auth.claims[groups]", ["ops"]), { claims: { groups: ["dev", "ops"] } }, true],
    ["claim missing", when("request.auth.claims[groups]", ["ops"]), { claims: {} }, false],
    ["nested claim", when("request.auth.claims[realm][role]", ["a"]), { claims: { realm: { role: "a" } } }, true],
    ["audience", when("request.auth.audiences", ["bank"]), { claims: { aud: "bank" } }, true],
    [
      "request principal",
      from({ requestPrincipals: ["iss.test/ann"] }),
      { claims: { iss: "iss.test", sub: "ann" } },
      true,
    ],
    [
      "another subject",
      from({ requestPrincipals: ["iss.test/ann"] }),
      { claims: { iss: "iss.test", sub: "bob" } },
      false,
    ],
    ["any request principal", from({ requestPrincipals: ["*"] }), { claims: { iss: "i", sub: "s" } }, true],
    ["any request principal, no token", from({ requestPrincipals: ["*"] }), {}, false],
    ["of an issuer", from({ requestPrincipals: ["iss.test/*"] }), { claims: { iss: "iss.test", sub: "x" } }, true],
    ["TCP: HTTP attributes spoil an ALLOW", to({ methods: ["GET"] }), { tcp: true }, false],
    [
      "TCP: what is left of a DENY denies",
      { action: "DENY", ...to({ methods: ["GET"], ports: ["8080"] }) },
      { tcp: true },
      false,
    ],
    ["TCP: a DENY of another port", { action: "DENY", ...to({ methods: ["GET"], ports: ["9"] }) }, { tcp: true }, true],
    [
      "TCP: principal",
      from({ principals: ["cluster.local/ns/shop/sa/payments"] }),
      { tcp: true, from: payments },
      true,
    ],
  ])("%s", (_, spec, ask, expected) => {
    expect(allows(spec, ask)).toBe(expected);
  });

  it("names itself and the rule that matched", () => {
    const spec = { action: "DENY", rules: [{ to: [{ operation: { paths: ["/x"] } }] }, {}] };
    const rules = rbacRules(policiesFor(policy(spec)).deny, "DENY", { l4Only: false, tunnelled: false });
    expect(compileRbac(rules, new RegexCache())(factsOf({ path: "/y" }))).toEqual({
      allowed: false,
      policy: "ns[shop]-policy[p]-rule[1]",
    });
  });
});

describe("which policies count", () => {
  const named = (name: string, namespace: string, spec: object = {}) => policy(spec, { name, namespace });
  it.each<[string, KubeObject, boolean]>([
    ["of the namespace", named("p", "shop"), true],
    ["of the root namespace", named("p", "istio-system"), true],
    ["of another namespace", named("p", "other"), false],
    ["that select the workload", named("p", "shop", { selector: { matchLabels: { app: "ledger" } } }), true],
    ["that select another", named("p", "shop", { selector: { matchLabels: { app: "cart" } } }), false],
    ["an empty selector selects all", named("p", "shop", { selector: { matchLabels: {} } }), true],
    [
      "for a gateway",
      named("p", "shop", { targetRefs: [{ kind: "Gateway", group: "gateway.networking.k8s.io", name: "g" }] }),
      false,
    ],
  ])("%s", (_, object, expected) => {
    expect(policiesFor(object).allow).toHaveLength(expected ? 1 : 0);
  });
});

describe("filters", () => {
  const registry = new ConfigStore().build();
  const some = policiesFor(
    policy({ action: "DENY", rules: [{}] }, { name: "deny" }),
    policy({ rules: [{}] }, { name: "allow" }),
    policy({ action: "AUDIT", rules: [{}] }, { name: "audit" }),
    policy({ rules: [{}] }, { name: "dry", annotations: { "istio.io/dry-run": "true" } }),
  );
  it("ask for DENY before ALLOW, and there are none without policies", () => {
    expect(httpAuthorization(registry, some, [])).toHaveLength(3);
    expect(networkAuthorization(registry, some)).toHaveLength(3);
    expect(httpAuthorization(registry, policiesFor(), [])).toEqual([]);
  });
});
