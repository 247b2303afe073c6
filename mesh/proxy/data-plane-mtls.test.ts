import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import type { LocalDataPlane } from "./data-plane-create.ts";
import { exchange, type Harness, harness, rawServer, respond, until, upstream } from "./listener/testing/harness.ts";
import {
  clusterOf,
  downstreamTls,
  httpFilter,
  listenerOf,
  routesOf,
  tcpFilter,
  upstreamTls,
} from "./listener/testing/resources.ts";

let authority: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
});

afterAll(() => authority.close());

function strangers(): TestAuthority {
  const other = createAuthority();
  closers.push(() => other.close());
  return other;
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const cart = "spiffe://cluster.local/ns/shop/sa/cart";
const front = "spiffe://cluster.local/ns/shop/sa/front";

function giveSecrets(plane: LocalDataPlane, uri: string, roots = authority): void {
  const { certificate, key } = roots.issue(uri);
  const bytes = (text: string) => ({ inlineString: text });
  const own = Secret.fromJSON({
    name: "default",
    tlsCertificate: { certificateChain: bytes(certificate), privateKey: bytes(key) },
  });
  const root = Secret.fromJSON({ name: "ROOTCA", validationContext: { trustedCa: bytes(authority.rootPem) } });
  plane.apply({
    type: "secret",
    changed: [
      { name: "default", version: "1", resource: own },
      { name: "ROOTCA", version: "1", resource: root },
    ],
    removed: [],
  });
}

const common = (alpnProtocols: readonly string[], names: readonly object[]) => ({
  alpnProtocols,
  tlsCertificateSdsSecretConfigs: [{ name: "default" }],
  combinedValidationContext: {
    defaultValidationContext: { matchSubjectAltNames: names },
    validationContextSdsSecretConfig: { name: "ROOTCA" },
  },
});

/** An inbound sidecar in STRICT or PERMISSIVE mode before an application. */
async function inbound(application: number, permissive: boolean): Promise<Harness> {
  const one = harness({ originalDestination: () => ({ address: "127.0.0.1", port: application }) });
  closers.push(() => one.close());
  giveSecrets(one.plane, cart);
  one.plane.apply({
    type: "cluster",
    changed: [clusterOf("inbound|80||", [], { type: "ORIGINAL_DST", loadAssignment: undefined })],
    removed: [],
  });
  const routeConfig = {
    name: "inbound|80||",
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          { name: "default", match: { prefix: "/" }, route: { cluster: "inbound|80||", timeout: { seconds: 0 } } },
        ],
      },
    ],
  };
  const manager = {
    routeConfig,
    forwardClientCertDetails: "APPEND_FORWARD",
    setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
  };
  const tls = downstreamTls({
    requireClientCertificate: true,
    commonTlsContext: common(["h2", "http/1.1"], [{ prefix: "spiffe://cluster.local/" }]),
  });
  const chains: object[] = [
    {
      name: "mtls",
      filterChainMatch: { transportProtocol: "tls", applicationProtocols: ["istio-http/1.1", "istio"] },
      transportSocket: tls,
      filters: [httpFilter(manager)],
    },
    { name: "tcp", filterChainMatch: { transportProtocol: "tls" }, filters: [tcpFilter("inbound|80||")] },
  ];
  if (permissive)
    chains.push({
      name: "plain",
      filterChainMatch: { transportProtocol: "raw_buffer" },
      filters: [httpFilter(manager)],
    });
  const listenerFilters = ["original_dst", "tls_inspector", "http_inspector"].map((name) => ({
    name: `envoy.filters.listener.${name}`,
  }));
  one.plane.apply({
    type: "listener",
    changed: [listenerOf({ chains, rest: { listenerFilters, trafficDirection: "INBOUND" } })],
    removed: [],
  });
  await one.plane.listening();
  return one;
}

/** An outbound sidecar that speaks mutual TLS with the given port. */
async function outbound(port: number, names: readonly object[], extra: object = {}): Promise<Harness> {
  const one = harness();
  closers.push(() => one.close());
  giveSecrets(one.plane, front);
  const socket = upstreamTls({
    sni: "outbound_.80_._.cart.shop.svc.cluster.local",
    commonTlsContext: common(["istio-http/1.1", "istio", "http/1.1"], names),
  });
  const endpoint = {
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: port } } },
    metadata: {
      filterMetadata: {
        "envoy.transport_socket_match": { tlsMode: "istio" },
        istio: { workload: "cart-v1;shop;cart;v1;Kubernetes" },
      },
    },
  };
  const rest = {
    loadAssignment: { clusterName: "cart", endpoints: [{ lbEndpoints: [endpoint] }] },
    ...extra,
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: socket },
      { name: "tlsMode-disabled", match: {}, transportSocket: { name: "envoy.transport_sockets.raw_buffer" } },
    ],
  };
  one.plane.apply({ type: "cluster", changed: [clusterOf("cart", [], rest)], removed: [] });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "cart", timeout: { seconds: 0 } } }];
  one.plane.apply({ type: "route", changed: [routesOf("80", [{ name: "all", domains: ["*"], routes }])], removed: [] });
  const chains = [{ filters: [httpFilter({ rds: { routeConfigName: "80" } })] }];
  one.plane.apply({
    type: "listener",
    changed: [listenerOf({ chains, rest: { trafficDirection: "OUTBOUND" } })],
    removed: [],
  });
  await one.plane.listening();
  return one;
}

async function application() {
  const app = await upstream((request) => respond(`saw ${request.length}`));
  closers.push(() => app.close());
  return app;
}

const get = "GET / HTTP/1.1\r\nHost: cart\r\n\r\n";
const answered = (text: string): boolean => /\r\n\r\nsaw \d+$|upstream connect error/.test(text);

describe("mutual TLS", () => {
  it("goes from sidecar to sidecar with both identities", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    const client = await outbound(server.port(), [{ exact: cart }]);
    for (let round = 0; round < 2; round += 1) {
      const text = await exchange(client.port(), get, answered);
      expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(text).not.toMatch(/peer-metadata/);
    }
    expect(app.seen.requests[0]).toContain(`x-forwarded-client-cert: By=${cart};Hash=`);
    expect(app.seen.requests[0]).toContain(`;Subject="";URI=${front}`);
    expect(app.seen.requests[0]).not.toMatch(/peer-metadata/);
    expect(server.records[0]).toMatchObject({
      mutualTls: true,
      sourcePrincipal: front,
      destinationPrincipal: cart,
      status: 200,
      source: { workload: "cart" },
    });
    expect(client.records[0]).toMatchObject({
      mutualTls: true,
      sourcePrincipal: front,
      destinationPrincipal: cart,
      destination: { workload: "cart", name: "cart-1" },
    });
    expect(server.records[0]?.requestedServerName).toBe("outbound_.80_._.cart.shop.svc.cluster.local");
  });

  it("knows both identities on resumed connections too", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    // Each connection carries one request, so that the next one resumes its session.
    const client = await outbound(server.port(), [{ exact: cart }], { maxRequestsPerConnection: 1 });
    for (let round = 0; round < 4; round += 1) {
      expect(await exchange(client.port(), get, answered)).toMatch(/^HTTP\/1.1 200/);
    }
    const pairs = [...client.records, ...server.records].map(
      (one) => `${one.sourcePrincipal} ${one.destinationPrincipal}`,
    );
    expect(new Set(pairs)).toEqual(new Set([`${front} ${cart}`]));
  });

  it("refuses a server with another identity", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    const client = await outbound(server.port(), [{ exact: "spiffe://cluster.local/ns/shop/sa/other" }]);
    expect(await exchange(client.port(), get, answered)).toMatch(/^HTTP\/1.1 503 [\s\S]*TLS_error/);
    expect(client.records[0]?.flags).toBe("UF");
    expect(app.seen.requests).toEqual([]);
  });

  it("refuses strangers: no certificate, a foreign one, plaintext", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    const foreign = strangers().issue(front);
    for (const own of [{}, { cert: foreign.certificate, key: foreign.key }]) {
      const outcome = await new Promise<string>((resolve) => {
        const socket = connectTls({
          host: "127.0.0.1",
          port: server.port(),
          ALPNProtocols: ["istio"],
          ca: authority.rootPem,
          checkServerIdentity: () => undefined,
          ...own,
        });
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("error", () => undefined);
        socket.on("close", () => resolve(text));
        socket.write(get);
      });
      expect(outcome).toBe("");
    }
    expect(await exchange(server.port(), get)).toBe("");
    expect(app.seen.requests).toEqual([]);
  });

  it("takes plaintext too where permissive, and drops forged client certificates", async () => {
    const app = await application();
    const server = await inbound(app.port, true);
    const request = "GET / HTTP/1.1\r\nHost: cart\r\nx-forwarded-client-cert: URI=spiffe://forged\r\n\r\n";
    expect(await exchange(server.port(), request, answered)).toMatch(/^HTTP\/1.1 200/);
    expect(app.seen.requests[0]).not.toMatch(/client-cert/);
    expect(server.records[0]).toMatchObject({ mutualTls: false, sourcePrincipal: "", direction: "inbound" });
  });

  it("speaks TLS with openssl's client", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    const own = authority.issue(front);
    const folder = mkdtempSync(join(tmpdir(), "slipway-openssl-"));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const files = { cert: own.certificate, key: own.key, CAfile: authority.rootPem };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const options = Object.keys(files).flatMap((name) => [`-${name}`, join(folder, name)]);
    const target = [
      "-connect",
      `127.0.0.1:${server.port()}`,
      "-alpn",
      "istio",
      "-servername",
      "cart",
      "-quiet",
      "-verify_return_error",
    ];
    const client = spawn("openssl", ["s_client", ...target, ...options], { stdio: ["pipe", "pipe", "ignore"] });
    closers.push(() => client.kill("SIGKILL"));
    let text = "";
    client.stdout.on("data", (chunk) => {
      text += chunk;
    });
    client.stdin.write(get);
    await until(() => answered(text));
    expect(text).toMatch(/^HTTP\/1.1 200/);
    expect(server.records[0]).toMatchObject({ sourcePrincipal: front, requestedServerName: "cart" });
  });

  it("uses new certificates for new connections", async () => {
    const app = await application();
    const server = await inbound(app.port, false);
    const client = await outbound(server.port(), [{ prefix: "spiffe://cluster.local/" }]);
    await exchange(client.port(), get, answered);
    const renewed = "spiffe://cluster.local/ns/shop/sa/renewed";
    giveSecrets(server.plane, renewed);
    const other = await outbound(server.port(), [{ exact: renewed }]);
    expect(await exchange(other.port(), get, answered)).toMatch(/^HTTP\/1.1 200/);
    expect(await exchange(client.port(), get, answered)).toMatch(/^HTTP\/1.1 200/);
    expect(server.records.map((record) => record.destinationPrincipal)).toEqual([cart, renewed, cart]);
  });
});

describe("HTTP/2", () => {
  it("passes through unparsed, by the routes' addresses", async () => {
    const http2 = await import("node:http2");
    const server = http2.createServer((_request, response) => response.end("over two"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const sidecar = await inbound(address.port, true);
    const client = http2.connect(`http://127.0.0.1:${sidecar.port()}`);
    const text = await new Promise<string>((resolve, reject) => {
      let body = "";
      const stream = client.request({ ":path": "/" });
      stream.on("data", (chunk) => {
        body += chunk;
      });
      stream.on("end", () => resolve(body));
      stream.on("error", reject);
    });
    expect(text).toBe("over two");
    client.close();
    await until(() => sidecar.records.length === 1);
    expect(sidecar.records[0]).toMatchObject({ protocol: "TCP", cluster: "inbound|80||", flags: "" });
  });
});

describe("TCP", () => {
  it("passes bytes both ways, ends one way first, and counts", async () => {
    const echo = await rawServer((socket) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("end", () => socket.end(`got ${text}`));
    });
    closers.push(() => echo.server.close());
    const one = harness();
    closers.push(() => one.close());
    one.plane.apply({ type: "cluster", changed: [clusterOf("echo", [echo.port])], removed: [] });
    one.plane.apply({
      type: "listener",
      changed: [listenerOf({ chains: [{ filters: [tcpFilter("echo")] }] })],
      removed: [],
    });
    await one.plane.listening();
    const { connect } = await import("node:net");
    const socket = connect({ host: "127.0.0.1", port: one.port(), allowHalfOpen: true });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.end("hello");
    await until(() => one.records.length === 1);
    expect(text).toBe("got hello");
    socket.destroy();
    expect(one.records[0]).toMatchObject({
      protocol: "TCP",
      bytesReceived: 5,
      bytesSent: 9,
      flags: "",
      cluster: "echo",
    });
  });
});
