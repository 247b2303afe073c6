import { afterEach, describe, expect, it } from "vitest";
import { CorsPolicy } from "#gen/xds/envoy/extensions/filters/http/cors/v3/cors.ts";
import { HTTPFault } from "#gen/xds/envoy/extensions/filters/http/fault/v3/fault.ts";
import type { DataPlaneOptions } from "./data-plane.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { assignmentOf, clusterOf, httpFilter, listenerOf, pack, routesOf } from "./listener/testing/resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function application(name: string) {
  const app = await upstream(() => respond(name));
  closers.push(() => app.close());
  return app;
}

const noFilters = [
  { name: "envoy.filters.http.fault" },
  { name: "envoy.filters.http.cors" },
  { name: "envoy.filters.http.router" },
];
const routesFor = (routes: readonly object[], rest: object = {}) =>
  routesOf("80", [{ name: "all", domains: ["*"], routes, ...rest }]);

async function start(
  routes: readonly object[],
  options: Partial<DataPlaneOptions> = {},
  manager: object = {},
): Promise<Harness> {
  const one = harness(options);
  closers.push(() => one.close());
  one.plane.apply({ type: "route", changed: [routesFor(routes)], removed: [] });
  const filter = httpFilter({
    rds: { routeConfigName: "80" },
    normalizePath: true,
    httpFilters: noFilters,
    ...manager,
  });
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: [filter] }] })], removed: [] });
  await one.plane.listening();
  return one;
}

const cluster = (one: Harness, name: string, ports: readonly number[]): void =>
  one.plane.apply({ type: "cluster", changed: [clusterOf(name, ports)], removed: [] });
const get = (path = "/", headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${headers}\r\n`;
const whole = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text);
  return end > 0 && length !== null && text.length >= end + 4 + Number(length[1]);
};
const anyJson = (any: { typeUrl: string; value: Buffer }) => ({
  typeUrl: any.typeUrl,
  value: any.value.toString("base64"),
});
const all = { numerator: 100 };
const fault = (json: object) => ({
  "envoy.filters.http.fault": anyJson(pack("envoy.extensions.filters.http.fault.v3.HTTPFault", HTTPFault, json)),
});
const zero = { timeout: { seconds: 0 } };

describe("filters", () => {
  it("injects faults as the route says", async () => {
    const app = await application("cart");
    const match = (path: string) => ({ match: { path }, route: { cluster: "cart", ...zero } });
    const one = await start([
      { ...match("/abort"), typedPerFilterConfig: fault({ abort: { httpStatus: 418, percentage: all } }) },
      { ...match("/delay"), typedPerFilterConfig: fault({ delay: { fixedDelay: { nanos: 50e6 }, percentage: all } }) },
    ]);
    cluster(one, "cart", [app.port]);
    expect(await exchange(one.port(), get("/abort"), whole)).toMatch(/^HTTP\/1.1 418 [\s\S]*fault filter abort$/);
    expect(app.seen.requests).toEqual([]);
    expect(await exchange(one.port(), get("/delay"), whole)).toMatch(/cart$/);
    expect(one.records.map((record) => record.flags)).toEqual(["FI", "DI"]);
    expect(one.records[1]?.durationMs).toBeGreaterThan(45);
  });

  it("answers preflight requests and marks answers for allowed origins", async () => {
    const app = await application("cart");
    const policy = { allowOriginStringMatch: [{ exact: "https://shop" }], allowMethods: "GET,POST", maxAge: "60" };
    const cors = {
      "envoy.filters.http.cors": anyJson(pack("envoy.extensions.filters.http.cors.v3.CorsPolicy", CorsPolicy, policy)),
    };
    const one = await start([
      { match: { prefix: "/" }, route: { cluster: "cart", ...zero }, typedPerFilterConfig: cors },
    ]);
    cluster(one, "cart", [app.port]);
    const preflight =
      "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://shop\r\nAccess-Control-Request-Method: POST\r\n\r\n";
    const answer = await exchange(one.port(), preflight, whole);
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*access-control-allow-methods: GET,POST\r\n/);
    expect(app.seen.requests).toEqual([]);
    expect(await exchange(one.port(), get("/", "Origin: https://shop\r\n"), whole)).toContain(
      "access-control-allow-origin: https://shop\r\n",
    );
    expect(await exchange(one.port(), get("/", "Origin: https://evil\r\n"), whole)).not.toContain("access-control");
  });

  it("mirrors, rewrites and edits headers", async () => {
    const [app, shadow] = [await application("cart"), await application("shadow")];
    const header = (key: string, value: string) => ({ header: { key, value } });
    const one = await start([
      {
        name: "edited",
        match: { prefix: "/old" },
        route: {
          cluster: "cart",
          prefixRewrite: "/new",
          hostRewriteLiteral: "cart.shop",
          requestMirrorPolicies: [{ cluster: "shadow" }],
          ...zero,
        },
        requestHeadersToAdd: [header("x-route", "%ROUTE_NAME% %REQ(x-user?:method)%")],
        requestHeadersToRemove: ["x-secret"],
        responseHeadersToAdd: [header("x-from", "%UPSTREAM_CLUSTER%")],
        metadata: {
          filterMetadata: { istio: { config: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart" } },
        },
      },
    ]);
    cluster(one, "cart", [app.port]);
    cluster(one, "shadow", [shadow.port]);
    const answer = await exchange(one.port(), get("/old/x?y", "X-Secret: 1\r\n"), whole);
    expect(answer).toContain("x-from: cart\r\n");
    const [request = ""] = app.seen.requests;
    expect(request).toMatch(/^GET \/new\/x\?y HTTP/);
    expect(request).toContain("host: cart.shop\r\n");
    expect(request).toContain("x-route: edited GET\r\n");
    expect(request).toContain("x-envoy-original-path: /old/x?y\r\n");
    expect(request).not.toMatch(/x-secret/i);
    await until(() => shadow.seen.requests.length === 1);
    expect(shadow.seen.requests[0]).toContain("host: cart.shop-shadow\r\n");
    expect(one.records[0]).toMatchObject({
      routeName: "edited",
      configSource: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart",
    });
  });

  it("keeps strangers' claims out at a gateway", async () => {
    const app = await application("cart");
    const manager = { useRemoteAddress: true, forwardClientCertDetails: "SANITIZE_SET", serverName: "istio-envoy" };
    const one = await start(
      [{ match: { prefix: "/" }, route: { cluster: "cart", ...zero } }],
      { role: "router" },
      manager,
    );
    cluster(one, "cart", [app.port]);
    const forged =
      "X-Forwarded-Proto: https\r\nX-Envoy-Internal: true\r\nX-Envoy-Peer-Metadata: abc\r\nX-Forwarded-Client-Cert: URI=x\r\n";
    const answer = await exchange(one.port(), get("/", `${forged}X-Forwarded-For: 1.2.3.4\r\n`), whole);
    expect(answer).toContain("server: istio-envoy\r\n");
    const [request = ""] = app.seen.requests;
    expect(request).toContain("x-forwarded-for: 1.2.3.4,127.0.0.1\r\n");
    expect(request).toContain("x-forwarded-proto: http\r\n");
    expect(request).not.toMatch(/peer-metadata|client-cert|envoy-internal/i);
    expect(one.records[0]?.direction).toBe("gateway");
  });
});

describe("swaps", () => {
  it("routes by the new configuration at once, on connections that stand", async () => {
    const [v1, v2] = [await application("v1"), await application("v2")];
    const to = (name: string) => ({ match: { prefix: "/" }, route: { cluster: name, ...zero } });
    const one = await start([to("v1")]);
    cluster(one, "v1", [v1.port]);
    cluster(one, "v2", [v2.port]);
    const { connect } = await import("node:net");
    const socket = connect({ host: "127.0.0.1", port: one.port() });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.write(get());
    await until(() => text.endsWith("v1"));
    one.plane.apply({ type: "route", changed: [routesFor([to("v2")])], removed: [] });
    socket.write(get());
    await until(() => text.endsWith("v2"));
    socket.destroy();
  });

  it("refuses configuration as a whole and keeps what it had", async () => {
    const app = await application("cart");
    const one = await start([{ match: { prefix: "/" }, route: { cluster: "cart", ...zero } }]);
    cluster(one, "cart", [app.port]);
    const bad = routesFor([{ name: "bad", match: { safeRegex: { regex: "(" } }, route: { cluster: "cart" } }]);
    expect(() => one.plane.apply({ type: "route", changed: [bad], removed: [] })).toThrow(
      /80: virtual host "all", route "bad"/,
    );
    const odd = listenerOf({
      name: "odd",
      chains: [{ filters: [{ name: "mystery", typedConfig: { typeUrl: "x/y.Z", value: "" } }] }],
    });
    expect(() => one.plane.apply({ type: "listener", changed: [odd], removed: [] })).toThrow(
      /odd: filter chain "": network filter mystery/,
    );
    expect(await exchange(one.port(), get(), whole)).toMatch(/cart$/);
  });

  it("follows endpoints and ejects hosts that fail", async () => {
    const good = await application("good");
    const bad = await upstream(() => respond("bad", "HTTP/1.1 500 Internal Server Error\r\n"));
    closers.push(() => bad.close());
    const one = await start([{ match: { prefix: "/" }, route: { cluster: "eds", ...zero } }]);
    const outlierDetection = {
      consecutive5xx: 2,
      baseEjectionTime: { seconds: 60 },
      maxEjectionPercent: 100,
      enforcingConsecutive5xx: 100,
    };
    const rest = { type: "EDS", loadAssignment: undefined, edsClusterConfig: { serviceName: "eds" }, outlierDetection };
    one.plane.apply({ type: "cluster", changed: [clusterOf("eds", [], rest)], removed: [] });
    expect(await exchange(one.port(), get(), whole)).toMatch(/no healthy upstream$/);
    one.plane.apply({ type: "endpoint", changed: [assignmentOf("eds", [good.port, bad.port])], removed: [] });
    const answers: string[] = [];
    for (let turn = 0; turn < 12; turn += 1) answers.push((await exchange(one.port(), get(), whole)).slice(-3));
    expect(answers.filter((answer) => answer === "bad")).toHaveLength(2);
    expect(one.plane.clusterStatus()[0]?.endpoints.map((endpoint) => endpoint.health)).toEqual(["HEALTHY", "EJECTED"]);
    one.plane.apply({ type: "endpoint", changed: [], removed: ["eds"] });
    expect(await exchange(one.port(), get(), whole)).toMatch(/no healthy upstream$/);
  });
});
