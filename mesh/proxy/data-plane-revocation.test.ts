import { once } from "node:events";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import {
  clusterOf,
  downstreamTls,
  httpFilter,
  listenerOf,
  routesOf,
  upstreamTls,
} from "./listener/testing/resources.ts";

const cart = "spiffe://cluster.local/ns/shop/sa/cart";
const front = "spiffe://cluster.local/ns/shop/sa/front";
type Pair = ReturnType<TestAuthority["issue"]>;

let authority: TestAuthority;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  authority = createAuthority();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  authority.close();
});

function give({ plane }: Harness, own: Pair, revoked = ""): void {
  const bytes = (inlineString: string) => ({ inlineString });
  const validationContext = { trustedCa: bytes(authority.rootPem), ...(revoked === "" ? {} : { crl: bytes(revoked) }) };
  const secrets = [
    { name: "default", tlsCertificate: { certificateChain: bytes(own.certificate), privateKey: bytes(own.key) } },
    { name: "ROOTCA", validationContext },
  ];
  const changed = secrets.map((json) => ({ name: json.name, version: "1", resource: Secret.fromJSON(json) }));
  plane.apply({ type: "secret", changed, removed: [] });
}

const context = {
  tlsCertificateSdsSecretConfigs: [{ name: "default" }],
  combinedValidationContext: {
    defaultValidationContext: { matchSubjectAltNames: [{ prefix: "spiffe://cluster.local/" }] },
    validationContextSdsSecretConfig: { name: "ROOTCA" },
  },
};

/** A sidecar: mutual TLS in front of an application, or plaintext in front of mutual TLS to a server. */
async function proxy(to: number, side: "server" | "client"): Promise<Harness> {
  const one = harness();
  closers.push(() => one.close());
  const secured = { transportSocket: upstreamTls({ commonTlsContext: context }) };
  one.plane.apply({
    type: "cluster",
    changed: [clusterOf("app", [to], side === "client" ? secured : {})],
    removed: [],
  });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
  const changed = [routesOf("routes", [{ name: "all", domains: ["*"], routes }])];
  one.plane.apply({ type: "route", changed, removed: [] });
  const filters = [httpFilter({ rds: { routeConfigName: "routes" } })];
  const transportSocket = downstreamTls({ requireClientCertificate: true, commonTlsContext: context });
  const chain = { filters, ...(side === "server" && { transportSocket }) };
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [chain] })], removed: [] });
  await one.plane.listening();
  return one;
}

/** Connects and asks once; the connection stands. */
async function ask(port: number, { certificate: cert, key }: Pair): Promise<TLSSocket> {
  const socket = connectTls({ port, cert, key, ca: authority.rootPem, checkServerIdentity: () => undefined });
  closers.push(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\nhost: cart\r\n\r\n");
  await new Promise<void>((resolve, reject) => {
    socket.once("data", () => resolve());
    socket.once("close", () => reject(new Error("closed without an answer")));
  });
  return socket;
}

const refused = async (port: number, pair: Pair): Promise<boolean> =>
  await ask(port, pair).then(
    () => false,
    () => true,
  );

describe("a certificate that is revoked", () => {
  it("opens no connection any more, and ends the one that stands; others go on", async () => {
    const app = await upstream(() => respond("hello"));
    closers.push(() => app.close());
    const one = await proxy(app.port, "server");
    const [own, thief, honest] = [authority.issue(cart), authority.issue(front), authority.issue(front)];
    give(one, own);
    const [stolen, good] = [await ask(one.port(), thief), await ask(one.port(), honest)];
    give(one, own, authority.revoke([thief.certificate]));
    await until(() => stolen.destroyed || stolen.readableEnded);
    expect(good.destroyed).toBe(false);
    good.write("GET / HTTP/1.1\r\nhost: cart\r\n\r\n");
    await once(good, "data");
    expect(await refused(one.port(), thief)).toBe(true);
    expect(await refused(one.port(), honest)).toBe(false);
  });

  it("of a server is refused by its clients, on connections that stand too", async () => {
    const app = await upstream(() => respond("hello"));
    closers.push(() => app.close());
    const server = await proxy(app.port, "server");
    const [serving, calling] = [authority.issue(cart), authority.issue(front)];
    give(server, serving);
    const client = await proxy(server.port(), "client");
    give(client, calling);
    const call = () =>
      exchange(client.port(), "GET / HTTP/1.1\r\nhost: cart\r\n\r\n", (text) => text.includes("\r\n\r\n"));
    expect(await call()).toContain("200 OK");
    give(client, calling, authority.revoke([serving.certificate]));
    expect(await call()).toContain("503");
    give(client, calling);
    expect(await call()).toContain("200 OK");
  });

  it("a list that has ended refuses everybody, as an Envoy does; one that cannot be read fails what needs it", async () => {
    const app = await upstream(() => respond("hello"));
    closers.push(() => app.close());
    const one = await proxy(app.port, "server");
    const [own, caller] = [authority.issue(cart), authority.issue(front)];
    give(one, own, authority.revoke([], { ended: true }));
    expect(await refused(one.port(), caller)).toBe(true);
    give(one, own, "nonsense");
    expect(await refused(one.port(), caller)).toBe(true);
    give(one, own, authority.revoke([]));
    expect(await refused(one.port(), caller)).toBe(false);
  });
});
