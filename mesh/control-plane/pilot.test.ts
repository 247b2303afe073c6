import { rootCertificates } from "node:tls";
import { Client, credentials, Metadata, ServerCredentials } from "@grpc/grpc-js";
import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { addressType, authorizationType } from "#mesh/lib/xds/ambient-types.ts";
import { XdsClient } from "#mesh/lib/xds/client.ts";
import { clusterType, endpointType, listenerType, routeType, secretType } from "#mesh/lib/xds/envoy-types.ts";
import { RefusedError } from "#mesh/lib/xds/resource-type.ts";
import type { ObjectSink, ObjectSource } from "./ingest/source.ts";
import { startPilot } from "./pilot.ts";
import { adsDefinition } from "./serve/ads-service.ts";
import type { Authenticate, Identity } from "./serve/authenticate.ts";
import { startGrpcServer } from "./serve/grpc-server.ts";
import { startDebugServer, startMonitoringServer } from "./status/status-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const log = pino({ level: "silent" });

const service = (name: string): KubeObject & { spec: object } => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec: { clusterIP: "10.96.0.9", selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
});

const routes = (resourceVersion: string, weight: number): KubeObject & { spec: object } => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "cart", namespace: "shop", resourceVersion },
  spec: {
    hosts: ["cart"],
    http: [
      {
        route: [
          { destination: { host: "cart" }, weight },
          { destination: { host: "cart", port: { number: 80 } }, weight: 100 - weight },
        ],
      },
    ],
  },
});

/** Only the account of gateways may read secrets, and not the first time it is asked for. */
function laterAllowed(): (identity: Identity) => Promise<boolean> {
  let asked = 0;
  return async ({ serviceAccount }) => serviceAccount === "gateway" && ++asked > 1;
}

const secret = (root: string): KubeObject & { data: object } => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "partner", namespace: "shop" },
  data: { "ca.crt": Buffer.from(root).toString("base64") },
});

/** A whole pilot on ports of its own, fed by the test. */
async function boot(authenticate?: Authenticate) {
  let sink: ObjectSink | undefined;
  const source: ObjectSource = {
    start: async (to) => {
      sink = to;
      to.put(service("cart"));
    },
    stop: () => {},
  };
  const pilot = startPilot({ source, instance: "one", log });
  cleanups.push(() => pilot.stop());
  const server = await startGrpcServer({
    address: "127.0.0.1:0",
    credentials: ServerCredentials.createInsecure(),
    services: [
      {
        definition: adsDefinition,
        implementation: pilot.service(authenticate && { authenticate, mayReadSecrets: laterAllowed() }),
      },
    ],
  });
  cleanups.push(() => server.stop());
  const debug = await startDebugServer(pilot, { host: "127.0.0.1", port: 0, onRefused: () => {} });
  cleanups.push(() => debug.stop());
  await pilot.ready;
  const page = async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${debug.port}${path}`)).json();
  return { pilot, port: server.port, page, put: (object: KubeObject) => sink?.put(object) };
}

interface Peer {
  readonly protocol: "delta" | "state-of-the-world";
  readonly name?: string;
  readonly token?: string;
  /** Refuses routes while it says so. */
  readonly refuses?: () => boolean;
}

/** A proxy's client that asks for everything as a proxy does: endpoints and routes by the names it finds. */
function proxy(port: number, { protocol, name = "a", token, refuses }: Peer) {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const client = new XdsClient({
    protocol,
    node: Node.fromPartial({ id: `sidecar~10.244.0.5~${name}.shop~shop.svc.cluster.local` }),
    connect: async () => ({ client: new Client(`127.0.0.1:${port}`, credentials.createInsecure()), metadata }),
    log: { info: () => {}, warn: () => {} },
  });
  let routeUpdates = 0;
  const clusters = client.subscribe(clusterType, undefined, () => {
    endpoints.want(new Set([...clusterNames()].filter((one) => one.startsWith("outbound"))));
  });
  const clusterNames = (): Iterable<string> => [
    ...clusters.resources.keys(),
    "outbound|80||cart.shop.svc.cluster.local",
  ];
  const endpoints = client.subscribe(endpointType, new Set<string>(), () => {});
  client.subscribe(listenerType, undefined, () => {});
  const routeNames = client.subscribe(routeType, new Set(["80"]), () => {
    if (refuses?.() === true) throw new RefusedError(new Map([["80", "not to my taste"]]));
    routeUpdates += 1;
  });
  const wanted = new Set(["kubernetes://partner-cacert", "kubernetes://nobody"]);
  let secretUpdates = 0;
  const secrets = client.subscribe(secretType, wanted, () => {
    secretUpdates += 1;
  });
  client.start();
  cleanups.push(() => client.close());
  return {
    secretUpdates: () => secretUpdates,
    roots: () => [...secrets.resources.values()].map(({ resource }) => rootOf(resource)),
    routeUpdates: () => routeUpdates,
    routes: () => routeNames.resources.get("80"),
    close: () => client.close(),
  };
}

const rootOf = ({ type }: Secret): string | undefined => {
  const source = type?.$case === "validationContext" ? type.value.trustedCa?.specifier : undefined;
  return source?.$case === "inlineBytes" ? source.value.toString() : undefined;
};

interface Acks {
  readonly acknowledged: boolean;
  readonly proxies: readonly { readonly proxy: string; readonly rejected: readonly { readonly message: string }[] }[];
}

const cartAcks = "/slipway/acks?resource=VirtualService/shop/cart&resourceVersion=";

describe.each(["delta", "state-of-the-world"] as const)("discovery, %s", (protocol) => {
  it("brings a change to every proxy and knows who has it", async () => {
    const { port, page, put, pilot } = await boot();
    const [a, b] = [proxy(port, { protocol }), proxy(port, { protocol, name: "b" })];
    await expect.poll(() => [a.routeUpdates(), b.routeUpdates()]).toEqual([1, 1]);
    put(routes("7", 90));
    await expect.poll(async () => ((await page(`${cartAcks}7`)) as Acks).acknowledged).toBe(true);
    expect(a.routes()?.resource.virtualHosts[0]?.routes[0]?.action?.$case).toBe("route");
    expect(await page("/debug/syncz")).toMatchObject([{ proxy: "a.shop" }, { proxy: "b.shop" }]);
    expect(pilot.record.convergence.count).toBeGreaterThan(0);
    expect(((await page(`${cartAcks}8`)) as Acks).acknowledged).toBe(false);
  });

  it("keeps what one proxy refuses from the others' way, and shows it", async () => {
    const { port, page, put } = await boot();
    let refuse = false;
    const picky = proxy(port, { protocol, refuses: () => refuse });
    const other = proxy(port, { protocol, name: "b" });
    await expect.poll(() => [picky.routeUpdates(), other.routeUpdates()]).toEqual([1, 1]);
    refuse = true;
    put(routes("7", 90));
    await expect.poll(other.routeUpdates).toBe(2);
    await expect
      .poll(async () => ((await page(`${cartAcks}7`)) as Acks).proxies[0]?.rejected[0]?.message ?? "")
      .toContain("not to my taste");
    expect(((await page(`${cartAcks}7`)) as Acks).acknowledged).toBe(false);
    refuse = false;
    put(routes("8", 80));
    await expect.poll(async () => ((await page(`${cartAcks}8`)) as Acks).acknowledged).toBe(true);
  });

  it("counts a proxy that comes again once", async () => {
    const { port, pilot } = await boot();
    proxy(port, { protocol });
    await expect.poll(() => pilot.distributor.sessions.size).toBe(1);
    const [first] = pilot.distributor.sessions;
    proxy(port, { protocol });
    await expect.poll(() => [...pilot.distributor.sessions].some((session) => session !== first)).toBe(true);
    expect(pilot.distributor.sessions.size).toBe(1);
  });

  it("asks who is there and lets proxies ask for their own namespace only", async () => {
    const seen: (string | undefined)[] = [];
    const { port, pilot } = await boot(async ({ token }) => {
      seen.push(token);
      return token === undefined ? undefined : { namespace: token, serviceAccount: "default" };
    });
    proxy(port, { protocol });
    proxy(port, { protocol, token: "elsewhere", name: "b" });
    proxy(port, { protocol, token: "shop", name: "c" });
    await expect.poll(() => [...pilot.distributor.sessions].map(({ node }) => node.id)).toEqual(["c.shop"]);
    await expect.poll(() => new Set(seen)).toEqual(new Set([undefined, "elsewhere", "shop"]));
  });
});

describe("secrets", () => {
  it("go to proxies of their namespace whose account may read them, to no other, and again when they change", async () => {
    const { port, put } = await boot(async ({ token }) => ({ namespace: "shop", serviceAccount: token ?? "" }));
    const [one = "", two = ""] = rootCertificates;
    put(secret(one));
    const gateway = proxy(port, { protocol: "delta", token: "gateway" });
    const other = proxy(port, { protocol: "delta", name: "b", token: "default" });
    await expect.poll(gateway.roots).toEqual([one]);
    await expect.poll(other.secretUpdates).toBe(1);
    put(secret(two));
    await expect.poll(gateway.roots).toEqual([two]);
    expect(other.roots()).toEqual([]);
  });
});

describe("discovery for ztunnels", () => {
  it("tells workloads, services and who may connect, and what changes", async () => {
    const { port, page, put, pilot } = await boot();
    const client = new XdsClient({
      protocol: "delta",
      node: Node.fromPartial({ id: "ztunnel~10.244.0.9~ztunnel-x1.istio-system~istio-system.svc.cluster.local" }),
      connect: async () => ({
        client: new Client(`127.0.0.1:${port}`, credentials.createInsecure()),
        metadata: new Metadata(),
      }),
      log: { info: () => {}, warn: () => {} },
    });
    cleanups.push(() => client.close());
    const addresses = client.subscribe(addressType, undefined, () => {});
    const authorizations = client.subscribe(authorizationType, undefined, () => {});
    client.start();
    const cart = "shop/cart.shop.svc.cluster.local";
    const uid = "Kubernetes//Pod/shop/cart-1";
    await expect.poll(() => [...addresses.resources.keys()]).toEqual([cart]);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "cart-1", namespace: "shop", annotations: { "ambient.istio.io/redirection": "enabled" } },
      spec: { serviceAccountName: "cart" },
      status: { podIP: "10.244.0.7" },
    };
    put(pod);
    await expect.poll(() => [...addresses.resources.keys()]).toEqual([cart, uid]);
    const strict = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: "shop" },
      spec: { mtls: { mode: "STRICT" } },
    };
    put(strict);
    const policy = "istio-system/istio_converted_static_strict";
    await expect.poll(() => [...authorizations.resources.keys()]).toEqual([policy]);
    await expect
      .poll(() => addresses.resources.get(uid)?.resource.type)
      .toMatchObject({ value: { serviceAccount: "cart", tunnelProtocol: 1, authorizationPolicies: [policy] } });
    expect(JSON.stringify(await page("/debug/config_dump?proxyID=ztunnel-x1.istio-system"))).toContain(policy);
    await expect
      .poll(() => [...pilot.distributor.sessions][0]?.ackedGeneration)
      .toBe(pilot.distributor.snapshot?.generation);
  });
});

describe("status pages", () => {
  it("show configuration, problems and dumps", async () => {
    const { port, page, put } = await boot();
    const one = proxy(port, { protocol: "delta" });
    await expect.poll(one.routeUpdates).toBe(1);
    put({
      ...routes("7", 90),
      spec: { hosts: ["cart"], http: [{ timeout: "soon", route: [{ destination: { host: "cart" } }] }] },
    } as KubeObject);
    expect(await page("/slipway/problems")).toMatchObject([
      { kind: "VirtualService", message: expect.stringContaining("spec.http[0].timeout") },
    ]);
    put({
      ...routes("8", 90),
      spec: { hosts: ["cart"], http: [{ route: [{ destination: { host: "nowhere" } }] }] },
    } as KubeObject);
    await expect
      .poll(() => page("/slipway/problems"))
      .toMatchObject([{ message: expect.stringContaining("nowhere.shop.svc.cluster.local") }]);
    expect(JSON.stringify(await page("/debug/config_dump?proxyID=a.shop"))).toContain("virtualInbound");
    expect(await page("/debug/config_dump?proxyID=nobody.shop")).toHaveProperty("error");
    expect(await page("/debug/adsz")).toMatchObject({ totalClients: 1 });
    expect(JSON.stringify(await page("/debug/configz"))).toContain('"resourceVersion":"8"');
  });

  it("give metrics in Prometheus' format", async () => {
    const { pilot } = await boot();
    const monitoring = await startMonitoringServer(pilot, { host: "127.0.0.1", port: 0 });
    cleanups.push(() => monitoring.stop());
    const text = await (await fetch(`http://127.0.0.1:${monitoring.port}/metrics`)).text();
    expect(text).toContain('pilot_xds_pushes{type="cds"} 0');
    expect(text).toContain("pilot_services 1");
  });
});
