import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { RBAC as NetworkRbac } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, httpFilter, listenerOf, pack, routesOf, tcpFilter } from "./listener/testing/resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const anyJson = (any: { typeUrl: string; value: Buffer }) => ({
  typeUrl: any.typeUrl,
  value: any.value.toString("base64"),
});
const everybody = [{ any: true }];
const denied = "ns[shop]-policy[no-admin]-rule[0]";
const rbac = (json: object) => ({
  name: "envoy.filters.http.rbac",
  typedConfig: anyJson(pack("envoy.extensions.filters.http.rbac.v3.RBAC", RBAC, json)),
});
const networkRbac = (json: object) => ({
  name: "envoy.filters.network.rbac",
  typedConfig: anyJson(pack("envoy.extensions.filters.network.rbac.v3.RBAC", NetworkRbac, json)),
});
const rules = (
  action: "ALLOW" | "DENY",
  permissions: readonly object[],
  principals: readonly object[] = everybody,
) => ({
  rules: { action, policies: { [denied]: { permissions, principals } } },
});
const pathPrefix = (prefix: string) => [{ urlPath: { path: { prefix } } }];

async function start(filters: readonly object[]): Promise<{ one: Harness; seen: readonly string[] }> {
  const app = await upstream(() => respond("app"));
  closers.push(() => app.close());
  const one = harness();
  closers.push(() => one.close());
  one.plane.apply({ type: "cluster", changed: [clusterOf("app", [app.port])], removed: [] });
  const routes = [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }] }];
  one.plane.apply({ type: "route", changed: [routesOf("80", routes)], removed: [] });
  const manager = httpFilter({
    rds: { routeConfigName: "80" },
    normalizePath: true,
    httpFilters: [...filters, { name: "envoy.filters.http.router" }],
  });
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: [manager] }] })], removed: [] });
  await one.plane.listening();
  return { one, seen: app.seen.requests };
}

const answered = (text: string): boolean => text.includes("\r\n\r\n");
const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${headers}\r\n`;

describe("authorization of requests", () => {
  it("answers 403 and names the policy; the upstream sees nothing", async () => {
    const { one, seen } = await start([rbac(rules("DENY", pathPrefix("/admin")))]);
    const answer = await exchange(one.port(), get("/admin"), answered);
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*RBAC: access denied/);
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({
      status: 403,
      details: `rbac_access_denied_matched_policy[${denied}]`,
      configSource: "/apis/security.istio.io/v1/namespaces/shop/authorization-policy/no-admin",
    });
    expect(seen).toEqual([]);
  });

  it.each([
    "/admin",
    "/admin/x",
    "/admin?a=b",
    "/%61dmin",
    "/x/../admin",
    "/./admin",
    "/x/%2e%2e/admin",
    "/x/.%2E/admin",
    "/x\\..\\admin",
    "/x/..;a=b/admin",
    "/.;/admin",
    "http://cart/admin",
  ])("is not led astray by %s", async (path) => {
    const { one, seen } = await start([rbac(rules("DENY", pathPrefix("/admin")))]);
    expect(await exchange(one.port(), get(path), answered)).toMatch(/^HTTP\/1\.1 403 /);
    expect(seen).toEqual([]);
  });

  it("asks for the authority that routes see, not for another Host", async () => {
    const host = [{ header: { name: ":authority", stringMatch: { exact: "allowed" } } }];
    const { one } = await start([rbac(rules("ALLOW", host))]);
    const request = "GET http://secret/ HTTP/1.1\r\nHost: allowed\r\n\r\n";
    expect(await exchange(one.port(), request, answered)).toMatch(/^HTTP\/1\.1 (400|403) /);
  });

  it("judges each of several requests that come at once, and takes no body for one", async () => {
    const { one, seen } = await start([rbac(rules("DENY", pathPrefix("/admin")))]);
    const hidden = get("/admin/hidden");
    const posted = `POST /admin HTTP/1.1\r\nHost: cart\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`;
    const chunks = `POST /open HTTP/1.1\r\nHost: cart\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    const requests = [
      get("/open"),
      get("/admin"),
      chunks,
      get("/x/../admin"),
      posted,
      get("/last", "Connection: close\r\n"),
    ];
    const answer = await exchange(one.port(), requests.join(""));
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses.slice(0, 4)).toEqual(["200", "403", "200", "403"]);
    expect(statuses.filter((status) => status === "200").length).toBe(seen.length);
    expect(seen.map((request) => request.split(" ", 2)[1]).filter((path) => path?.startsWith("/admin"))).toEqual([]);
  });

  it("looks at each line of a header", async () => {
    const users = [{ header: { name: "x-user", stringMatch: { exact: "mallory" } } }];
    const { one, seen } = await start([rbac(rules("DENY", everybody, users))]);
    const twice = "x-user: ann\r\nx-user: mallory\r\n";
    expect(await exchange(one.port(), get("/", twice), answered)).toMatch(/^HTTP\/1\.1 403 /);
    expect(seen).toEqual([]);
  });

  it("lets nobody in by a name that no certificate proves", async () => {
    const principals = [{ authenticated: { principalName: { safeRegex: { regex: ".*" } } } }];
    const { one } = await start([rbac(rules("ALLOW", everybody, principals))]);
    const forged = "x-forwarded-client-cert: URI=spiffe://cluster.local/ns/shop/sa/front\r\n";
    expect(await exchange(one.port(), get("/", forged), answered)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("believes x-forwarded-for no further than it is told to", async () => {
    const principals = [{ remoteIp: { addressPrefix: "192.0.2.1", prefixLen: 32 } }];
    const { one } = await start([rbac(rules("ALLOW", everybody, principals))]);
    const client = (addresses: string) => exchange(one.port(), get("/", `x-forwarded-for: ${addresses}\r\n`), answered);
    expect(await client("192.0.2.1, 198.51.100.7")).toMatch(/^HTTP\/1\.1 403 /);
    expect(await client("198.51.100.7, 192.0.2.1")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await client("no address")).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("only notes what a dry run would do", async () => {
    const { one } = await start([rbac({ shadowRules: rules("DENY", everybody).rules })]);
    expect(await exchange(one.port(), get("/"), answered)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("does not let HTTP/2 pass, into which it cannot look", async () => {
    const { one, seen } = await start([rbac(rules("DENY", pathPrefix("/admin")))]);
    await exchange(one.port(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", () => false).catch(() => "");
    expect(seen).toEqual([]);
  });

  it("refuses configuration that it cannot enforce", async () => {
    await expect(start([rbac({ matcher: {} })])).rejects.toThrow("match trees");
  });
});

describe("authorization of connections", () => {
  it("closes those that no rule lets in, before a byte goes on", async () => {
    const app = await upstream(() => respond("app"));
    const one = harness();
    closers.push(
      () => app.close(),
      () => one.close(),
    );
    one.plane.apply({ type: "cluster", changed: [clusterOf("app", [app.port])], removed: [] });
    const guard = networkRbac({ ...rules("ALLOW", [{ destinationPort: 1 }]), statPrefix: "tcp." });
    const chains = [{ filters: [guard, tcpFilter("app")] }];
    one.plane.apply({ type: "listener", changed: [listenerOf({ chains })], removed: [] });
    await one.plane.listening();
    expect(await exchange(one.port(), get("/"), answered).catch(() => "")).toBe("");
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({ protocol: "TCP", details: "rbac_access_denied_matched_policy[none]" });
    expect(app.seen.connections).toBe(0);
  });
});

describe("a policy that comes into force", () => {
  const inbound = (chains: readonly object[]) => listenerOf({ chains, rest: { trafficDirection: "INBOUND" } });
  const chainsOf = (filters: readonly object[]) => [
    {
      filters: [
        httpFilter({
          rds: { routeConfigName: "80" },
          httpFilters: [...filters, { name: "envoy.filters.http.router" }],
        }),
      ],
    },
  ];

  it("holds for the next request of a connection that stands", async () => {
    const { one, seen } = await start([]);
    one.plane.apply({ type: "listener", changed: [inbound(chainsOf([]))], removed: [] });
    const socket = connect(one.port(), "127.0.0.1");
    closers.push(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write(get("/first"));
    await until(() => text.includes("200 OK"));
    const chains = chainsOf([rbac(rules("DENY", pathPrefix("/")))]);
    one.plane.apply({ type: "listener", changed: [inbound(chains)], removed: [] });
    socket.write(get("/second"));
    await until(() => text.includes("403 Forbidden"));
    expect(text).toMatch(/403 Forbidden[\s\S]*connection: close/i);
    expect(seen).toHaveLength(1);
  });

  it("ends connections whose bytes are passed on and that it would not let in", async () => {
    const app = await upstream(() => respond("app"));
    const one = harness();
    closers.push(
      () => app.close(),
      () => one.close(),
    );
    one.plane.apply({ type: "cluster", changed: [clusterOf("app", [app.port])], removed: [] });
    const put = (...guards: readonly object[]) =>
      one.plane.apply({
        type: "listener",
        changed: [inbound([{ filters: [...guards, tcpFilter("app")] }])],
        removed: [],
      });
    put();
    await one.plane.listening();
    const socket = connect(one.port(), "127.0.0.1");
    closers.push(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write(get("/"));
    await until(() => text.includes("200 OK"));
    // One that it still lets in goes on.
    put(networkRbac({ ...rules("DENY", [{ destinationPort: 1 }]), statPrefix: "tcp." }));
    socket.write(get("/"));
    await until(() => text.split("200 OK").length === 3);
    const closed = once(socket, "close");
    put(networkRbac({ ...rules("DENY", [{ any: true }]), statPrefix: "tcp." }));
    await closed;
    await until(() => one.records.some(({ details }) => details.startsWith("rbac_access_denied")));
  });
});
