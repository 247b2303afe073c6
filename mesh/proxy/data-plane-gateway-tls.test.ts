import { createHash, X509Certificate } from "node:crypto";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, downstreamTls, httpFilter, listenerOf, routesOf } from "./listener/testing/resources.ts";

let authority: TestAuthority;
let strangers: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
  strangers = createAuthority();
});
afterAll(() => {
  authority.close();
  strangers.close();
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Pair = ReturnType<TestAuthority["issue"]>;

const bytes = (text: string) => ({ inlineString: text });
const certificate = (name: string, pair: Pair) => {
  const tlsCertificate = { certificateChain: bytes(pair.certificate), privateKey: bytes(pair.key) };
  return { name, version: "1", resource: Secret.fromJSON({ name, tlsCertificate }) };
};
const root = (name: string, pem: string) => ({
  name,
  version: "1",
  resource: Secret.fromJSON({ name, validationContext: { trustedCa: bytes(pem) } }),
});

const verified = (rules: object = {}) => ({
  combinedValidationContext: {
    defaultValidationContext: rules,
    validationContextSdsSecretConfig: { name: "clients" },
  },
});

/** A gateway with a filter chain for each server name, and an application that tells the client's certificate behind it. */
async function gateway(chains: Readonly<Record<string, { common?: object; required?: boolean }>>): Promise<Harness> {
  const app = await upstream((request) => respond(/x-forwarded-client-cert: (.*)\r/i.exec(request)?.[1] ?? "nobody"));
  closers.push(() => app.close());
  const one = harness({ role: "router", nodeId: "router~127.0.0.1~gateway-1.istio-ingress~x" });
  closers.push(() => one.close());
  one.plane.apply({ type: "cluster", changed: [clusterOf("shop", [app.port])], removed: [] });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "shop" } }];
  const changed = [
    routesOf("all", [{ name: "all", domains: ["*"], routes }]),
    routesOf("plain", [{ name: "all", domains: ["*"], requireTls: "ALL", routes }]),
  ];
  one.plane.apply({ type: "route", changed, removed: [] });
  const filters = (routeConfigName: string) => [
    httpFilter({
      rds: { routeConfigName },
      useRemoteAddress: true,
      forwardClientCertDetails: "SANITIZE_SET",
      setCurrentClientCertDetails: { dns: true },
    }),
  ];
  const secure = Object.entries(chains).map(([name, { common = {}, required = false }]) => ({
    filterChainMatch: { serverNames: [name], transportProtocol: "tls" },
    filters: filters("all"),
    transportSocket: downstreamTls({
      commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name }], ...common },
      requireClientCertificate: required,
    }),
  }));
  const plain = { filterChainMatch: { transportProtocol: "raw_buffer" }, filters: filters("plain") };
  const listenerFilters = [{ name: "envoy.filters.listener.tls_inspector" }];
  one.plane.apply({
    type: "listener",
    changed: [listenerOf({ chains: [...secure, plain], rest: { listenerFilters } })],
    removed: [],
  });
  await one.plane.listening();
  return one;
}

/** What a client gets that asks for a server name: the answer's body, and the fingerprint of the certificate that it was shown. */
async function ask(one: Harness, servername: string, options: ConnectionOptions = {}) {
  return new Promise<{ body: string; shown: string }>((resolve) => {
    let text = "";
    let shown = "";
    const socket = connect({ host: "127.0.0.1", port: one.port(), servername, ca: authority.rootPem, ...options });
    socket.on("secureConnect", () => {
      shown = socket.getPeerX509Certificate()?.fingerprint256 ?? "";
      socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ body: text.slice(text.indexOf("\r\n\r\n") + 4), shown }));
  });
}

const fingerprint = (pair: Pair): string => new X509Certificate(pair.certificate).fingerprint256;
const client = ({ certificate: cert, key }: Pair): ConnectionOptions => ({ cert, key });

it("shows each name its certificate, a new one as soon as it is there, and keeps standing connections", async () => {
  const one = await gateway({ "a.shop.example": {}, "*.shop.example": {} });
  const [a, wild, next] = ["a.shop.example", "*.shop.example", "a.shop.example"].map((name) =>
    authority.issue(name),
  ) as [Pair, Pair, Pair];
  one.plane.apply({
    type: "secret",
    changed: [certificate("a.shop.example", a), certificate("*.shop.example", wild)],
    removed: [],
  });
  expect(await ask(one, "a.shop.example")).toEqual({ body: "nobody", shown: fingerprint(a) });
  expect(await ask(one, "b.shop.example")).toEqual({ body: "nobody", shown: fingerprint(wild) });
  const standing = connect({
    host: "127.0.0.1",
    port: one.port(),
    servername: "a.shop.example",
    ca: authority.rootPem,
  });
  closers.push(() => standing.destroy());
  await new Promise((resolve) => standing.once("secureConnect", resolve));
  one.plane.apply({ type: "secret", changed: [certificate("a.shop.example", next)], removed: [] });
  expect((await ask(one, "a.shop.example")).shown).toBe(fingerprint(next));
  standing.write("GET / HTTP/1.1\r\nHost: a.shop.example\r\n\r\n");
  const answer = await new Promise<string>((resolve) => standing.once("data", (chunk) => resolve(chunk.toString())));
  expect(answer).toContain("nobody");
});

it("fails a name without a usable secret and no other, and says why in a record", async () => {
  const one = await gateway({ "a.shop.example": {}, "b.shop.example": {}, "c.shop.example": {} });
  const a = authority.issue("a.shop.example");
  const unfit = { ...a, key: authority.issue("c.shop.example").key };
  one.plane.apply({
    type: "secret",
    changed: [certificate("a.shop.example", a), certificate("c.shop.example", unfit)],
    removed: [],
  });
  expect((await ask(one, "a.shop.example")).body).toBe("nobody");
  expect((await ask(one, "b.shop.example")).body).toBe("");
  expect((await ask(one, "c.shop.example")).body).toBe("");
  expect((await ask(one, "nobody.test")).body).toBe("");
  const refused = one.records.filter(({ protocol }) => protocol === "TCP");
  expect(refused.map(({ flags, requestedServerName }) => `${flags} ${requestedServerName}`)).toEqual([
    "DPE b.shop.example",
    "DPE c.shop.example",
    "NR nobody.test",
  ]);
  expect(refused[0]?.details).toBe("downstream_tls_failed{secret_b.shop.example_is_not_supplied_by_SDS}");
});

it("asks clients for certificates as the mode says, and tells the application who they are", async () => {
  const good = authority.issue("client.shop.example");
  const other = authority.issue("other.shop.example");
  const hash = new X509Certificate(good.certificate).fingerprint256;
  const key = new X509Certificate(good.certificate).publicKey.export({ type: "spki", format: "der" });
  const names = { matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: "client.shop.example" } }] };
  const one = await gateway({
    "mutual.shop.example": { common: verified(), required: true },
    "optional.shop.example": { common: verified() },
    "named.shop.example": { common: verified(names), required: true },
    "hash.shop.example": { common: verified({ verifyCertificateHash: [hash] }), required: true },
    "spki.shop.example": {
      common: verified({ verifyCertificateSpki: [createHash("sha256").update(key).digest("base64")] }),
      required: true,
    },
  });
  const own = authority.issue("*.shop.example");
  const servers = ["mutual", "optional", "named", "hash", "spki"].map((name) =>
    certificate(`${name}.shop.example`, own),
  );
  one.plane.apply({ type: "secret", changed: [...servers, root("clients", authority.rootPem)], removed: [] });
  const clients: Readonly<Record<string, ConnectionOptions>> = {
    nobody: {},
    good: client(good),
    other: client(other),
    stranger: client(strangers.issue("client.shop.example")),
  };
  const refused = (): number => one.records.filter(({ flags }) => flags === "DPE").length;
  const admitted: Record<string, string> = {};
  for (const name of ["mutual", "optional", "named", "hash", "spki"]) {
    const letIn: string[] = [];
    for (const [who, options] of Object.entries(clients)) {
      const { body } = await ask(one, `${name}.shop.example`, options);
      if (body !== "") letIn.push(body === "nobody" ? `${who} as nobody` : who);
      if (who === "good") expect(body).toMatch(/^By=;Hash=[0-9a-f]{64};DNS=client\.shop\.example$/);
    }
    admitted[name] = letIn.join(", ");
  }
  await until(() => refused() === 12);
  expect(admitted).toEqual({
    mutual: "good, other",
    optional: "nobody as nobody, good, other",
    named: "good",
    hash: "good",
    spki: "good",
  });
});

it("sends plain requests to TLS where the host wants it", async () => {
  const one = await gateway({ "a.shop.example": {} });
  const request = "GET /cart?x=1 HTTP/1.1\r\nHost: a.shop.example\r\nx-forwarded-proto: https\r\n\r\n";
  const answer = await exchange(one.port(), request, (text) => text.includes("\r\n\r\n"));
  expect(answer).toMatch(/^HTTP\/1\.1 301 .*\r\nlocation: https:\/\/a\.shop\.example\/cart\?x=1\r\n/is);
});
