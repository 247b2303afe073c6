import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { exchange, type Harness, harness, rawServer, respond, until, upstream } from "./listener/testing/harness.ts";
import { httpFilter, listenerOf } from "./listener/testing/resources.ts";
import { ask, type TunnelEnd, tunnelCaller, tunnelEnd } from "./tunnel/testing/tunnel-ends.ts";
import {
  connectOriginate,
  connectTerminate,
  internalCluster,
  type MainInternal,
  mainInternal,
  originateCluster,
  rbac,
  VIP_CLUSTER,
} from "./tunnel/testing/waypoint.ts";

const ids = {
  waypoint: "spiffe://cluster.local/ns/shop/sa/waypoint",
  cart: "spiffe://cluster.local/ns/shop/sa/cart",
  front: "spiffe://cluster.local/ns/shop/sa/front",
};
const SERVICE = { address: "10.96.0.9", port: 80 };
const baggage = "k8s.namespace.name=shop,k8s.deployment.name=front-v1,service.name=front,service.version=v1";

let authority: TestAuthority;
let others: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
  others = createAuthority();
});
afterAll(() => {
  authority.close();
  others.close();
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function giveSecrets(one: Harness, uri: string): void {
  const { certificate, key } = authority.issue(uri);
  const bytes = (text: string) => ({ inlineString: text });
  const secrets = [
    Secret.fromJSON({
      name: "default",
      tlsCertificate: { certificateChain: bytes(certificate), privateKey: bytes(key) },
    }),
    Secret.fromJSON({ name: "ROOTCA", validationContext: { trustedCa: bytes(authority.rootPem) } }),
  ];
  const changed = secrets.map((resource) => ({ name: resource.name, version: "1", resource }));
  one.plane.apply({ type: "secret", changed, removed: [] });
}

interface Setup extends Omit<MainInternal, "service"> {
  /** The application's port behind the pod's tunnel end. */
  readonly application: number;
  readonly names?: readonly object[];
}

interface Waypoint {
  readonly one: Harness;
  readonly end: TunnelEnd;
  /** A caller with the identity. */
  caller(uri?: string, from?: TestAuthority): ReturnType<typeof tunnelCaller>;
}

async function waypoint({ application, names, ...main }: Setup): Promise<Waypoint> {
  const one = harness({ role: "waypoint" });
  const end = await tunnelEnd(authority, ids.cart);
  closers.push(
    () => one.close(),
    () => end.close(),
  );
  giveSecrets(one, ids.waypoint);
  const changed = [
    internalCluster("main_internal", "main_internal"),
    internalCluster("encap", "connect_originate"),
    internalCluster(VIP_CLUSTER, "connect_originate", [{ address: "127.0.0.1", port: application }]),
    originateCluster(end.port, names),
  ];
  one.plane.apply({ type: "cluster", changed, removed: [] });
  const listeners = [connectTerminate(), mainInternal({ service: SERVICE, ...main }), connectOriginate()];
  one.plane.apply({ type: "listener", changed: listeners, removed: [] });
  await one.plane.listening();
  return {
    one,
    end,
    caller: (uri = ids.front, from = authority) => {
      const caller = tunnelCaller(from, uri, one.port("connect_terminate"));
      closers.unshift(() => caller.close());
      return caller;
    },
  };
}

async function application(answer: Parameters<typeof upstream>[0] = () => respond("hello")) {
  const app = await upstream(answer);
  closers.push(() => app.close());
  return app;
}

const toService = { ":authority": "10.96.0.9:80", baggage };
const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${headers}\r\n`;
const answered = (text: string): boolean => /\r\n\r\n(hello|RBAC: access denied)$/.test(text);

describe("a waypoint", () => {
  it("brings requests from a tunnel to a pod's tunnel, and tells who called whom", async () => {
    const app = await application();
    const { one, end, caller } = await waypoint({ application: app.port });
    const stream = await caller().open(toService);
    expect(await ask(stream, get("/a"), answered)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*hello$/);
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({
      direction: "waypoint",
      status: 200,
      path: "/a",
      cluster: VIP_CLUSTER,
      upstreamHost: `envoy://connect_originate/127.0.0.1:${app.port}`,
      sourcePrincipal: ids.front,
      destinationPrincipal: ids.cart,
      mutualTls: true,
      source: { workload: "front-v1", namespace: "shop", canonicalService: "front", version: "v1" },
      destination: { workload: "cart-v1", namespace: "shop" },
      destinationService: { host: "cart.shop.svc.cluster.local" },
    });
    expect(end.streams).toMatchObject([
      { peer: `URI:${ids.waypoint}`, headers: { ":authority": `127.0.0.1:${app.port}` } },
    ]);
    // Nothing of the mesh is left in what the application sees.
    expect(app.seen.requests[0]).not.toMatch(/x-envoy-peer-metadata/);
  });

  it("uses streams and connections again", async () => {
    const app = await application();
    const { end, caller } = await waypoint({ application: app.port });
    const client = caller();
    for (let round = 0; round < 3; round++) {
      const stream = await client.open(toService);
      for (let request = 0; request < 3; request++) await ask(stream, get(`/${request}`), answered);
      stream.end();
    }
    expect([app.seen.requests.length, app.seen.connections, end.streams.length, end.connections()]).toEqual([
      9, 1, 1, 1,
    ]);
  });

  it("carries large bodies both ways, held back where one side does not keep up", async () => {
    const size = 1024 * 1024;
    const app = await application((request) => respond("y".repeat(request.length > size ? size : 1)));
    const { one, caller } = await waypoint({ application: app.port });
    const stream = await caller().open(toService);
    const body = "x".repeat(size);
    const head = `POST / HTTP/1.1\r\nHost: cart\r\ncontent-length: ${size}\r\n\r\n`;
    const bodyOf = (text: string): number => text.length - text.indexOf("\r\n\r\n") - 4;
    const text = await ask(stream, head + body, (seen) => bodyOf(seen) === size);
    expect(bodyOf(text)).toBe(size);
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({ bytesReceived: size, bytesSent: size });
  });

  it("enforces policies for the identity that the tunnel proved", async () => {
    const app = await application();
    const policy = (key: string, exact: string) => ({
      permissions: [{ header: { name: ":method", stringMatch: { exact: "GET" } } }],
      principals: [{ filterState: { key, stringMatch: { exact } } }],
    });
    const filter = rbac({
      rules: {
        action: "ALLOW",
        policies: { "ns[shop]-policy[get]-rule[0]": policy("io.istio.peer_principal", ids.front) },
      },
    });
    const { one, caller } = await waypoint({ application: app.port, filters: [filter] });
    const mine = await caller().open(toService);
    expect(await ask(mine, get("/"), answered)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(mine, "POST / HTTP/1.1\r\nHost: cart\r\ncontent-length: 0\r\n\r\n", answered)).toMatch(/ 403 /);
    const theirs = await caller(ids.cart).open({ ...toService, baggage });
    expect(await ask(theirs, get("/"), answered)).toMatch(/^HTTP\/1\.1 403 /);
    expect(app.seen.requests).toHaveLength(1);
    await until(() => one.records.length === 3);
    expect(one.records[2]).toMatchObject({ sourcePrincipal: ids.cart, status: 403 });
  });

  it("believes nothing of what callers say of others", async () => {
    const app = await application();
    const { one, caller } = await waypoint({ application: app.port });
    const stream = await caller("spiffe://cluster.local/ns/evil/sa/x").open(toService);
    const forged = `x-forwarded-client-cert: URI=${ids.front}\r\nx-envoy-peer-metadata: CgA=\r\n`;
    await ask(stream, get("/", forged), answered);
    expect(app.seen.requests[0]).not.toMatch(/front|peer-metadata/);
    await until(() => one.records.length === 1);
    expect(one.records[0]?.source).toMatchObject({ namespace: "evil", workload: "" });
  });

  it("takes traffic for single pods, HTTP or not, and leads it to the pod that was meant", async () => {
    const app = await application();
    const echo = await rawServer((socket) => socket.pipe(socket));
    closers.push(() => echo.server.close());
    const { one, end, caller } = await waypoint({ application: 1, pods: ["127.0.0.1"] });
    const client = caller();
    const http = await client.open({ ":authority": `127.0.0.1:${app.port}`, baggage });
    expect(await ask(http, get("/"), answered)).toMatch(/^HTTP\/1\.1 200 /);
    const tcp = await client.open({ ":authority": `127.0.0.1:${echo.port}`, baggage });
    expect(await ask(tcp, "binary \x00\x01\n", (text) => text.endsWith("\n"))).toBe("binary \x00\x01\n");
    tcp.end();
    await until(() => one.records.length === 2);
    expect(end.streams.map(({ headers }) => headers[":authority"])).toEqual([
      `127.0.0.1:${app.port}`,
      `127.0.0.1:${echo.port}`,
    ]);
    expect(one.records[1]).toMatchObject({
      protocol: "TCP",
      sourcePrincipal: ids.front,
      destinationPrincipal: ids.cart,
    });
  });

  it.each([
    ["other methods", { ":method": "GET", ":path": "/", ":authority": "10.96.0.9:80" }, 404, "route_not_found"],
    ["names", { ":authority": "cart.shop:80" }, 400, "connect_authority_not_an_address"],
    ["no address at all", { ":authority": "x" }, 400, "connect_authority_not_an_address"],
  ])("refuses %s", async (_, headers, status, details) => {
    const { one, caller } = await waypoint({ application: 1 });
    await expect(caller().open(headers)).rejects.toMatchObject({ status });
    expect(one.records).toMatchObject([{ direction: "waypoint", status, details, sourcePrincipal: ids.front }]);
  });

  it("lets nobody in without a certificate of the mesh, nor with one that names nobody", async () => {
    const { one, caller } = await waypoint({ application: 1 });
    await expect(caller(ids.front, others).open(toService)).rejects.toThrow();
    await expect(caller("spiffe://cluster.local/front").open(toService)).rejects.toMatchObject({ status: 403 });
    expect(one.records).toMatchObject([{ details: "no_identity" }]);
  });

  it("breaks off what leads to no service of it", async () => {
    const { one, caller } = await waypoint({ application: 1 });
    const stream = await caller().open({ ":authority": "10.96.0.10:80" });
    expect(await ask(stream, get("/"), () => false)).toBe("");
    expect(one.records).toMatchObject([{ flags: "NR", details: "filter_chain_not_found", sourcePrincipal: ids.front }]);
  });

  it("answers 503 with the reason where the pod's tunnel is not to be had", async () => {
    const app = await application();
    const wrong = [{ exact: "spiffe://cluster.local/ns/shop/sa/other" }];
    const { one, caller } = await waypoint({ application: app.port, names: wrong });
    const stream = await caller().open(toService);
    expect(await ask(stream, get("/"), (text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 503 /);
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({ flags: "UF" });
    expect(one.records[0]?.upstreamFailure).toMatch(/SAN/);
    expect(app.seen.requests).toEqual([]);
  });

  it("does not pass off an answer that broke off as a whole one", async () => {
    const app = await application((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\nhalf", () => setTimeout(() => socket.resetAndDestroy(), 20));
      return undefined;
    });
    const { one, caller } = await waypoint({ application: app.port });
    const stream = await caller().open(toService);
    await ask(stream, get("/"), () => false);
    await until(() => one.records.length === 1);
    expect(one.records[0]).toMatchObject({ flags: "UC" });
  });

  it("judges streams of standing tunnels by what came into force since", async () => {
    const app = await application();
    const { one, caller } = await waypoint({ application: app.port });
    const client = caller();
    const standing = await client.open(toService);
    expect(await ask(standing, get("/"), answered)).toMatch(/ 200 OK/);
    const deny = rbac({
      rules: { action: "DENY", policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } },
    });
    one.plane.apply({ type: "listener", changed: [mainInternal({ service: SERVICE, filters: [deny] })], removed: [] });
    expect(await ask(standing, get("/"), answered)).toMatch(/ 403 /);
    expect(await ask(await client.open(toService), get("/"), answered)).toMatch(/ 403 /);
  });

  it("is what a gateway goes through where the endpoint says so, and itself tells who called", async () => {
    const app = await application();
    const { one } = await waypoint({ application: app.port });
    const gateway = harness({ role: "router" });
    closers.unshift(() => gateway.close());
    giveSecrets(gateway, ids.front);
    const port = one.port("connect_terminate");
    const endpoint = { ...SERVICE, waypoint: `127.0.0.1:${port}` };
    const changed = [internalCluster("outbound|80||cart", "connect_originate", [endpoint]), originateCluster(port)];
    gateway.plane.apply({ type: "cluster", changed, removed: [] });
    const route = { match: { prefix: "/" }, route: { cluster: "outbound|80||cart" } };
    const routeConfig = { name: "80", virtualHosts: [{ name: "all", domains: ["*"], routes: [route] }] };
    const chains = [{ filters: [httpFilter({ routeConfig })] }];
    gateway.plane.apply({ type: "listener", changed: [listenerOf({ chains }), connectOriginate()], removed: [] });
    await gateway.plane.listening();
    expect(await exchange(gateway.port(), get("/a"), answered)).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello$/);
    await until(() => gateway.records.length === 1 && one.records.length === 1);
    expect(gateway.records[0]).toMatchObject({
      upstreamHost: "envoy://connect_originate/10.96.0.9:80",
      sourcePrincipal: ids.front,
      destinationPrincipal: ids.waypoint,
      mutualTls: true,
    });
    // Who the gateway is comes with its tunnel.
    expect(one.records[0]).toMatchObject({
      sourcePrincipal: ids.front,
      source: { workload: "cart", namespace: "shop" },
    });
  });

  it("ends without losing a request", async () => {
    const app = await application();
    const { one, caller } = await waypoint({ application: app.port });
    const client = caller();
    const [idle, silent] = [await client.open(toService), await client.open(toService)];
    for (const stream of [idle, silent]) await ask(stream, get("/"), answered);
    const ended = new Promise((resolve) => silent.once("end", resolve));
    const drained = one.plane.drain(500);
    // Clients of tunnels are no proxies that would try again: what comes is answered, and told that it is the last.
    expect(await ask(idle, get("/last"), answered)).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    await drained;
    await ended;
    expect(app.seen.requests).toHaveLength(3);
    await expect(client.open(toService)).rejects.toThrow();
  });
});
