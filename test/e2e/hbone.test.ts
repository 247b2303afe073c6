import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { exchange, harness, respond, until, upstream } from "#mesh/proxy/listener/testing/harness.ts";
import { clusterOf, listenerOf } from "#mesh/proxy/listener/testing/resources.ts";
import { ask, tunnelCaller, tunnelEnd } from "#mesh/proxy/tunnel/testing/tunnel-ends.ts";
import {
  connectOriginate,
  connectTerminate,
  internalCluster,
  mainInternal,
  originateCluster,
  rbac,
  tcpProxy,
  VIP_CLUSTER,
} from "#mesh/proxy/tunnel/testing/waypoint.ts";
import { StaticEnvoy } from "./hbone/static-envoy.ts";

const ids = {
  waypoint: "spiffe://cluster.local/ns/shop/sa/waypoint",
  cart: "spiffe://cluster.local/ns/shop/sa/cart",
  front: "spiffe://cluster.local/ns/shop/sa/front",
};
const SERVICE = { address: "10.96.0.9", port: 80 };
const get = "GET /a HTTP/1.1\r\nHost: cart\r\n\r\n";
const answered = (text: string): boolean => /\r\n\r\n[\s\S]+$/.test(text);

/** The caller may GET, nobody else anything: by the identity that the tunnel proved. */
const onlyFrontGets = rbac({
  rules: {
    action: "ALLOW",
    policies: {
      "ns[shop]-policy[get]-rule[0]": {
        permissions: [{ header: { name: ":method", stringMatch: { exact: "GET" } } }],
        principals: [{ filterState: { key: "io.istio.peer_principal", stringMatch: { exact: ids.front } } }],
      },
    },
  },
});

let authority: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
});
afterAll(() => authority.close());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function application() {
  const app = await upstream(() => respond("hello"));
  closers.push(() => app.close());
  return app;
}

function envoy(): StaticEnvoy {
  const one = new StaticEnvoy();
  closers.push(() => one.stop());
  return one;
}

/** The clusters and listeners of a waypoint before one pod. */
const waypointOf = (port: number, { pod, tunnels }: { readonly pod: number; readonly tunnels: number }) => ({
  clusters: [
    internalCluster("main_internal", "main_internal"),
    internalCluster("encap", "connect_originate"),
    internalCluster(VIP_CLUSTER, "connect_originate", [{ address: "127.0.0.1", port: pod }]),
    originateCluster(tunnels),
  ],
  listeners: [connectTerminate(port), mainInternal({ service: SERVICE, filters: [onlyFrontGets] }), connectOriginate()],
});

describe("HBONE with a real Envoy", () => {
  it("our tunnels lead through Envoy as a waypoint, by the configuration that ours takes", async () => {
    const app = await application();
    const end = await tunnelEnd(authority, ids.cart);
    closers.push(() => end.close());
    const port = await freePort();
    const one = envoy();
    await one.start({
      authority,
      identity: ids.waypoint,
      port,
      ...waypointOf(port, { pod: app.port, tunnels: end.port }),
    });
    const call = async (uri: string): Promise<string> => {
      const caller = tunnelCaller(authority, uri, port);
      closers.unshift(() => caller.close());
      return ask(await caller.open({ ":authority": "10.96.0.9:80" }), get, answered);
    };
    expect(await call(ids.front), one.log).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*hello$/);
    expect(await call(ids.cart), one.log).toMatch(/^HTTP\/1\.1 403 /);
    expect(end.streams).toMatchObject([
      { peer: `URI:${ids.waypoint}`, headers: { ":authority": `127.0.0.1:${app.port}` } },
    ]);
  });

  it("Envoys on both sides speak through our waypoint", async () => {
    const app = await application();
    const [tunnels, door, waypointPort] = [await freePort(), await freePort(), await freePort()];
    // The pod's side: ends tunnels and hands on to the application.
    const callee = envoy();
    await callee.start({
      authority,
      identity: ids.cart,
      port: tunnels,
      clusters: [internalCluster("main_internal", "main_internal"), clusterOf("app", [app.port])],
      listeners: [
        connectTerminate(tunnels),
        listenerOf({
          name: "main_internal",
          chains: [],
          rest: {
            address: undefined,
            internalListener: {},
            filterChains: [{ filters: [tcpProxy({ cluster: "app" })] }],
          },
        }),
      ],
    });
    const ours = harness({ role: "waypoint" });
    closers.push(() => ours.close());
    giveSecrets(ours.plane);
    const config = waypointOf(waypointPort, { pod: app.port, tunnels });
    ours.plane.apply({ type: "cluster", changed: config.clusters, removed: [] });
    ours.plane.apply({ type: "listener", changed: config.listeners, removed: [] });
    await ours.plane.listening();
    // The caller's side: every connection to its door becomes a stream of a tunnel to the service's waypoint.
    const caller = envoy();
    await caller.start({
      authority,
      identity: ids.front,
      port: door,
      clusters: [
        internalCluster("to-service", "connect_originate", [
          { address: SERVICE.address, port: SERVICE.port, waypoint: `127.0.0.1:${waypointPort}` },
        ]),
        originateCluster(waypointPort),
      ],
      listeners: [
        connectOriginate(),
        listenerOf({ name: "door", port: door, chains: [{ filters: [tcpProxy({ cluster: "to-service" })] }] }),
      ],
    });
    expect(await exchange(door, get, answered), caller.log + callee.log).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*hello$/);
    expect(await exchange(door, get.replace("GET", "POST"), answered)).toMatch(/^HTTP\/1\.1 403 /);
    await until(() => ours.records.length >= 2);
    expect(ours.records[0]).toMatchObject({
      direction: "waypoint",
      sourcePrincipal: ids.front,
      destinationPrincipal: ids.cart,
      status: 200,
    });
  });
});

function giveSecrets(plane: ReturnType<typeof harness>["plane"]): void {
  const { certificate, key } = authority.issue(ids.waypoint);
  const bytes = (text: string) => ({ inlineString: text });
  const secrets = [
    Secret.fromJSON({
      name: "default",
      tlsCertificate: { certificateChain: bytes(certificate), privateKey: bytes(key) },
    }),
    Secret.fromJSON({ name: "ROOTCA", validationContext: { trustedCa: bytes(authority.rootPem) } }),
  ];
  const changed = secrets.map((resource) => ({ name: resource.name, version: "1", resource }));
  plane.apply({ type: "secret", changed, removed: [] });
}
