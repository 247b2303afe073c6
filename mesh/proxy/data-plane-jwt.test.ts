import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { JwtAuthentication } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, httpFilter, listenerOf, pack, routesOf } from "./listener/testing/resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] });
const tokenOf = (claims: Readonly<Record<string, unknown>>, lifetime = "10m"): Promise<string> =>
  new SignJWT({ iss: "https://idp", sub: "ann", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime(lifetime)
    .sign(privateKey);

const filter = (name: string, type: string, codec: Parameters<typeof pack>[1], json: object) => {
  const { typeUrl, value } = pack(type, codec, json);
  return { name, typedConfig: { typeUrl, value: value.toString("base64") } };
};
const provider = { issuer: "https://idp", localJwks: { inlineString: keys }, payloadInMetadata: "payload" };
const jwt = (change: object = {}, others: object = {}) => {
  const optional = { requiresAny: { requirements: [{ providerName: "idp" }, { allowMissing: {} }] } };
  return filter(
    "envoy.filters.http.jwt_authn",
    "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
    JwtAuthentication,
    {
      providers: { idp: { ...provider, ...change } },
      rules: [{ match: { prefix: "/" }, requires: optional }],
      bypassCorsPreflight: true,
      ...others,
    },
  );
};
/** Lets in who belongs to a group. */
const onlyGroup = (group: string) => {
  const one = { stringMatch: { exact: group } };
  const path = [{ key: "payload" }, { key: "groups" }];
  const metadata = { filter: "envoy.filters.http.jwt_authn", path, value: { listMatch: { oneOf: one } } };
  const policies = { "ns[shop]-policy[staff]-rule[0]": { permissions: [{ any: true }], principals: [{ metadata }] } };
  return filter("envoy.filters.http.rbac", "envoy.extensions.filters.http.rbac.v3.RBAC", RBAC, {
    rules: { action: "ALLOW", policies },
  });
};

async function start(
  filters: readonly object[],
  first: readonly object[] = [],
): Promise<{ one: Harness; seen: readonly string[] }> {
  const app = await upstream(() => respond("app"));
  closers.push(() => app.close());
  const one = harness();
  closers.push(() => one.close());
  one.plane.apply({ type: "cluster", changed: [clusterOf("app", [app.port])], removed: [] });
  const routes = [
    { name: "all", domains: ["*"], routes: [...first, { match: { prefix: "/" }, route: { cluster: "app" } }] },
  ];
  one.plane.apply({ type: "route", changed: [routesOf("80", routes)], removed: [] });
  const manager = httpFilter({
    rds: { routeConfigName: "80" },
    httpFilters: [...filters, { name: "envoy.filters.http.router" }],
  });
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: [manager] }] })], removed: [] });
  await one.plane.listening();
  return { one, seen: app.seen.requests };
}

const answered = (text: string): boolean => text.includes("\r\n\r\n");
const ask = (one: Harness, headers: readonly string[], path = "/cart", method = "GET"): Promise<string> =>
  exchange(
    one.port(),
    `${method} ${path} HTTP/1.1\r\nHost: shop\r\n${headers.map((h) => `${h}\r\n`).join("")}\r\n`,
    answered,
  );

describe("tokens", () => {
  it("let requests pass that have none, and refuse bad ones in Envoy's words", async () => {
    const { one, seen } = await start([jwt()]);
    expect(await ask(one, [])).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await ask(one, [`authorization: Bearer ${await tokenOf({}, "-10m")}`]);
    expect(refused).toMatch(/^HTTP\/1\.1 401 /);
    expect(refused).toContain('www-authenticate: Bearer realm="http://shop/cart", error="invalid_token"');
    expect(refused).toMatch(/Jwt is expired$/);
    await until(() => one.records.length === 2);
    expect(one.records[1]).toMatchObject({ status: 401, details: "jwt_authn_access_denied{Jwt_is_expired}" });
    expect(seen).toHaveLength(1);
  });

  it("are taken away unless they are to be forwarded", async () => {
    const token = await tokenOf({});
    const { one, seen } = await start([jwt()]);
    expect(await ask(one, [`authorization: Bearer ${token}`])).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen[0]).not.toContain(token);
    const forwarding = await start([jwt({ forward: true })]);
    await ask(forwarding.one, [`authorization: Bearer ${token}`]);
    expect(forwarding.seen[0]).toContain(token);
  });

  it("are found in queries, cookies and headers", async () => {
    const token = await tokenOf({});
    const places = { fromParams: ["t"], fromCookies: ["s"], fromHeaders: [{ name: "X-Token", valuePrefix: "T " }] };
    const { one, seen } = await start([
      jwt({ ...places, claimToHeaders: [{ headerName: "x-user", claimName: "sub" }] }),
    ]);
    await ask(one, [], `/cart?a=1&t=${token}&b=2`);
    await ask(one, [`cookie: a=b; s=${token}`]);
    await ask(one, [`x-token: T ${token}`]);
    expect(seen).toHaveLength(3);
    for (const request of seen) expect(request).toContain("x-user: ann");
    expect(seen[0]).toMatch(/^GET \/cart\?a=1&b=2 /);
    // Named places are the only ones.
    expect(await ask(one, [`authorization: Bearer ${token}x`])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("make nobody's headers pass for claims", async () => {
    const claimToHeaders = [
      { headerName: "x-user", claimName: "sub" },
      { headerName: "x-city", claimName: "address.city" },
      { headerName: "x-bad", claimName: "bad" },
    ];
    const { one, seen } = await start([jwt({ claimToHeaders, forwardPayloadHeader: "x-payload" })]);
    const forged = ["X-User: root", "x-city: Rome", "x-payload: e30", "x-bad: 1"];
    await ask(one, forged);
    expect(seen[0]).not.toMatch(/root|Rome|e30|x-bad/);
    const token = await tokenOf({ address: { city: "Oslo" }, bad: "a\r\nx-evil: 1" });
    await ask(one, [...forged, `authorization: Bearer ${token}`]);
    expect(seen[1]).toContain("x-user: ann");
    expect(seen[1]).toContain("x-city: Oslo");
    expect(seen[1]).not.toMatch(/root|x-evil|x-bad/);
    expect(seen[1]).toContain(`x-payload: ${token.split(".")[1]}`);
  });

  it("are what policies judge by", async () => {
    const { one } = await start([jwt(), onlyGroup("staff")]);
    const as = async (groups: readonly string[]) =>
      ask(one, [`authorization: Bearer ${await tokenOf({ groups: [...groups] })}`]);
    expect(await as(["staff", "x"])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await as(["guests"])).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask(one, [])).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("for another audience are forbidden", async () => {
    const { one } = await start([jwt({ audiences: ["billing"] })]);
    const answer = await ask(one, [`authorization: Bearer ${await tokenOf({ aud: "shop" })}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*Audiences in Jwt are not allowed$/);
  });

  it("are not asked for by a preflight", async () => {
    const required = { rules: [{ match: { prefix: "/" }, requires: { providerName: "idp" } }] };
    const { one } = await start([jwt({}, required)]);
    expect(await ask(one, [])).toMatch(/^HTTP\/1\.1 401 [\s\S]*Jwt is missing$/);
    const preflight = ["origin: http://a", "access-control-request-method: GET"];
    expect(await ask(one, preflight, "/", "OPTIONS")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("hold a request's body back while they are verified", async () => {
    const { one, seen } = await start([jwt()]);
    const head = `POST / HTTP/1.1\r\nHost: shop\r\nauthorization: Bearer ${await tokenOf({})}\r\ncontent-length: 5\r\n\r\n`;
    expect(await exchange(one.port(), `${head}hello`, answered)).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen[0]).toMatch(/hello$/);
  });
});

describe("a route on claims", () => {
  /** Answers 299 where the claim is this text, or has it as an item. */
  const byClaim = (path: readonly string[], exact: string) => {
    const text = { stringMatch: { exact } };
    const dynamicMetadata = {
      filter: "envoy.filters.http.jwt_authn",
      path: ["payload", ...path].map((key) => ({ key })),
      value: { orMatch: { valueMatchers: [text, { listMatch: { oneOf: text } }] } },
    };
    return { match: { prefix: "/", dynamicMetadata: [dynamicMetadata] }, directResponse: { status: 299 } };
  };

  it.each<[string, readonly string[], Readonly<Record<string, unknown>>, number]>([
    ["its text", ["role"], { role: "tester" }, 299],
    ["another text", ["role"], { role: "testers" }, 200],
    ["an item of a list", ["role"], { role: ["buyer", "tester"] }, 299],
    ["a list without it", ["role"], { role: ["buyer"] }, 200],
    ["a nested claim", ["a.b", "c"], { "a.b": { c: "tester" } }, 299],
    ["a claim of another type", ["role"], { role: { tester: "tester" } }, 200],
    ["no claim but a field of every object", ["constructor", "name"], {}, 200],
  ])("takes %s", async (_, path, claims, status) => {
    const { one } = await start([jwt({ clearRouteCache: true })], [byClaim(path, "tester")]);
    const answer = await ask(one, [`authorization: Bearer ${await tokenOf(claims)}`]);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it("takes no header for it, whatever it is called", async () => {
    const { one } = await start([jwt({ clearRouteCache: true })], [byClaim(["role"], "tester")]);
    for (const name of ["role", "x-jwt-claim-role", "request.auth.claims.role"])
      expect(await ask(one, [`${name}: tester`])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(one, ["@request.auth.claims.role: tester"])).toMatch(/^HTTP\/1\.1 400 /);
  });
});
