import { afterEach, describe, expect, it } from "vitest";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, httpFilter, listenerOf, routesOf } from "./listener/testing/resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const forward = (cluster: string, rest: object = {}) => ({
  match: { prefix: "/" },
  route: { cluster, timeout: { seconds: 0 }, ...rest },
});

interface Setup {
  readonly routes: readonly object[];
  readonly manager?: object;
  readonly clusters?: Readonly<Record<string, readonly number[]>>;
  readonly cluster?: object;
}

async function start(setup: Setup): Promise<Harness> {
  const one = harness();
  closers.push(() => one.close());
  for (const [name, ports] of Object.entries(setup.clusters ?? {})) {
    one.plane.apply({ type: "cluster", changed: [clusterOf(name, ports, setup.cluster)], removed: [] });
  }
  one.plane.apply({
    type: "route",
    changed: [routesOf("80", [{ name: "all", domains: ["*"], routes: setup.routes }])],
    removed: [],
  });
  const filter = httpFilter({ rds: { routeConfigName: "80" }, normalizePath: true, ...setup.manager });
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: [filter] }] })], removed: [] });
  await one.plane.listening();
  return one;
}

async function server(answer: Parameters<typeof upstream>[0]) {
  const one = await upstream(answer);
  closers.push(() => one.close());
  return one;
}

const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${headers}\r\n`;
const whole = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text);
  return end > 0 && length !== null && text.length >= end + 4 + Number(length[1]);
};

describe("data plane", () => {
  it("forwards a request and its answer", async () => {
    const up = await server(() => respond("hello"));
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] } });
    const answer = await exchange(one.port(), get("/a/../b?q=1", "X-Test: yes\r\nConnection: keep-alive\r\n"), whole);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toContain("\r\nserver: envoy\r\n");
    expect(answer).toContain("\r\nx-envoy-upstream-service-time: ");
    expect(answer).toMatch(/\r\n\r\nhello$/);
    const [request = ""] = up.seen.requests;
    expect(request).toMatch(/^GET \/b\?q=1 HTTP\/1.1\r\nHost: cart\r\nX-Test: yes\r\n/);
    expect(request).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/);
    expect(request).not.toMatch(/connection/i);
    expect(one.records).toMatchObject([
      {
        status: 200,
        path: "/a/../b?q=1",
        authority: "cart",
        cluster: "cart",
        flags: "",
        details: "via_upstream",
        bytesSent: 5,
        attempts: 1,
      },
    ]);
  });

  it("answers by itself where there is no route, no host, no cluster", async () => {
    const routes = [
      { match: { path: "/none" }, route: { cluster: "none" } },
      { match: { path: "/empty" }, route: { cluster: "empty" } },
      { match: { path: "/closed" }, route: { cluster: "closed" } },
      { match: { path: "/moved" }, redirect: { hostRedirect: "shop", httpsRedirect: true } },
      { match: { path: "/direct" }, directResponse: { status: 418, body: { inlineString: "tea" } } },
    ];
    const gone = await server(() => undefined);
    gone.close();
    const one = await start({ routes, clusters: { empty: [], closed: [gone.port] } });
    const cases: [string, RegExp, string][] = [
      ["/nothing", /^HTTP\/1.1 404 /, "NR"],
      ["/none", /^HTTP\/1.1 503 /, "NC"],
      ["/empty", /^HTTP\/1.1 503 [\s\S]*no healthy upstream$/, "UH"],
      [
        "/closed",
        /^HTTP\/1.1 503 [\s\S]*remote connection failure, transport failure reason: delayed connect error/,
        "UF",
      ],
      ["/moved", /^HTTP\/1.1 301 [\s\S]*location: https:\/\/shop\/moved\r\n/, ""],
      ["/direct", /^HTTP\/1.1 418 [\s\S]*tea$/, ""],
    ];
    for (const [path, expected, flags] of cases) {
      expect(await exchange(one.port(), get(path), whole)).toMatch(expected);
      expect(one.records.at(-1)?.flags).toBe(flags);
    }
  });

  it("reuses upstream connections and serves pipelined requests in order", async () => {
    const up = await server((request) => respond(request.split(" ")[1] ?? ""));
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] } });
    const text = await exchange(one.port(), get("/1") + get("/2") + get("/3"), (answer) => answer.endsWith("/3"));
    expect([...text.matchAll(/\r\n\r\n(\/\d)/g)].map((match) => match[1])).toEqual(["/1", "/2", "/3"]);
    expect(up.seen.connections).toBe(1);
  });

  it("passes chunked bodies both ways and drops trailers", async () => {
    const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n";
    const up = await server(() => chunked);
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] } });
    const body = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n";
    const answer = await exchange(one.port(), body, (text) => text.endsWith("0\r\n\r\n"));
    expect(answer).toMatch(/\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
    expect(up.seen.requests[0]).toMatch(/\r\n\r\n4\r\nwiki\r\n0\r\n\r\n$/);
  });

  it("retries what the policy allows and says when it gave up", async () => {
    let count = 0;
    const up = await server(() => {
      count += 1;
      return count === 2 ? respond("fine") : respond("busy", "HTTP/1.1 503 Service Unavailable\r\n");
    });
    const retryPolicy = { retryOn: "retriable-status-codes", retriableStatusCodes: [503], numRetries: 2 };
    const one = await start({ routes: [forward("cart", { retryPolicy })], clusters: { cart: [up.port] } });
    const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    expect(await exchange(one.port(), post, whole)).toMatch(/fine$/);
    expect(up.seen.requests.map((request) => request.slice(-4))).toEqual(["body", "body"]);
    expect(one.records[0]).toMatchObject({ attempts: 2, status: 200 });
    count = 10;
    expect(await exchange(one.port(), post, whole)).toMatch(/busy$/);
    expect(one.records[1]).toMatchObject({ attempts: 3, status: 503, flags: "URX" });
  });

  it("gives up after the route's time", async () => {
    const up = await server(() => undefined);
    const one = await start({ routes: [forward("cart", { timeout: { nanos: 50e6 } })], clusters: { cart: [up.port] } });
    expect(await exchange(one.port(), get("/"), whole)).toMatch(/^HTTP\/1.1 504 [\s\S]*upstream request timeout$/);
    expect(one.records[0]).toMatchObject({ flags: "UT", details: "response_timeout" });
  });

  it("notices that a client left", async () => {
    let gone = false;
    const up = await server((_request, socket) => {
      socket.on("close", () => {
        gone = true;
      });
      return undefined;
    });
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] } });
    const { connect } = await import("node:net");
    const socket = connect({ port: one.port(), host: "127.0.0.1" });
    socket.write(get("/slow"));
    await until(() => up.seen.requests.length === 1);
    socket.destroy();
    await until(() => one.records.length === 1 && gone);
    expect(one.records[0]).toMatchObject({ flags: "DC", status: 0 });
  });

  it("overflows when the circuit breaker is full", async () => {
    const up = await server(() => undefined);
    const circuitBreakers = { thresholds: [{ maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 }] };
    const one = await start({
      routes: [forward("cart", { timeout: { nanos: 300e6 } })],
      clusters: { cart: [up.port] },
      cluster: { circuitBreakers },
    });
    const first = exchange(one.port(), get("/1"), whole);
    await until(() => up.seen.requests.length === 1);
    const second = await exchange(one.port(), get("/2"), whole);
    expect(second).toMatch(/^HTTP\/1.1 503 [\s\S]*x-envoy-overloaded: true[\s\S]*reset reason: overflow$/);
    expect(one.records[0]?.flags).toBe("UO");
    await first;
  });

  it("switches to WebSocket and passes bytes both ways", async () => {
    const up = await server((_request, socket) => {
      socket.removeAllListeners("data");
      socket.on("data", (chunk) => socket.write(`echo ${chunk}`));
      return "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
    });
    const manager = { upgradeConfigs: [{ upgradeType: "websocket" }] };
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] }, manager });
    const { connect } = await import("node:net");
    const socket = connect({ port: one.port(), host: "127.0.0.1" });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.write(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    await until(() => text.includes("\r\n\r\n"));
    expect(text).toMatch(/^HTTP\/1.1 101 [\s\S]*upgrade: websocket/i);
    socket.write("ping");
    await until(() => text.endsWith("echo ping"));
    socket.end();
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({ status: 101, bytesReceived: 4 });
  });

  it("drains: the answer in flight ends, then the connection", async () => {
    let answer: (() => void) | undefined;
    const up = await server((_request, socket) => {
      answer = () => socket.write(respond("late"));
      return undefined;
    });
    const one = await start({ routes: [forward("cart")], clusters: { cart: [up.port] } });
    const pending = exchange(one.port(), get("/"));
    await until(() => answer !== undefined);
    const drained = one.plane.drain(5000);
    answer?.();
    expect(await pending).toMatch(/connection: close\r\n[\s\S]*late$/);
    await drained;
  });
});
