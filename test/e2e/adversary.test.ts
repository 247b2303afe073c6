import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { findKubectl } from "#main/host/terminals/kubectl.ts";
import { type Forger, forger, type Pair } from "./adversary/forge.ts";
import { type Istiod, openIstiod } from "./adversary/istiod.ts";
import { Slipway } from "./support/slipway.ts";

const WDS = "type.googleapis.com/istio.workload.Address";
const CDS = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const SDS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const payments = "spiffe://cluster.local/ns/shop/sa/payments";
const intruder = "spiffe://cluster.local/ns/outside/sa/intruder";

let slipway: Slipway;
let kubectl: string;
let kubeconfig: string;
let forge: Forger;
let istiod: Istiod;
let ca: Pair;
let own: Pair;
let token: string;
const address: Record<"ledger" | "stock" | "orders", string> = { ledger: "", stock: "", orders: "" };

beforeAll(async () => {
  forge = forger();
  slipway = await Slipway.create();
  await slipway.must(["up"]);
  kubectl = await findKubectl();
  kubeconfig = (await slipway.status()).kubeconfig;
  await apply(stage);
  for (const [namespace, name] of [
    ["outside", "intruder"],
    ["warehouse", "stock"],
    ["warehouse", "orders"],
  ] as const)
    await slipway.kubectl("-n", namespace, "wait", "--for=condition=Available", `deployment/${name}`, "--timeout=60s");
  const podIp = (namespace: string, app: string): Promise<string> =>
    slipway.kubectl("-n", namespace, "get", "pods", "-l", `app=${app}`, "-o", "jsonpath={.items[0].status.podIP}");
  address.ledger = await podIp("shop", "ledger");
  address.stock = await podIp("warehouse", "stock");
  address.orders = await podIp("warehouse", "orders");
  const secret = JSON.parse(
    await slipway.kubectl("-n", "istio-system", "get", "secret", "istio-ca-secret", "-o", "json"),
  );
  const pem = (name: string): string => Buffer.from(secret.data[name], "base64").toString();
  ca = { cert: pem("ca-cert.pem"), key: pem("ca-key.pem") };
  token = (await slipway.kubectl("-n", "outside", "create", "token", "intruder", "--audience=istio-ca")).trim();
  istiod = await openIstiod({ kubectl, kubeconfig, root: ca.cert });
  const asked = forge.request(intruder);
  own = { cert: await istiod.sign({ token }, asked.csr), key: asked.key };
});
afterAll(async () => {
  istiod?.close();
  forge?.close();
  await slipway?.dispose();
});

/** The books are for payments alone; the warehouse is ambient; the intruder has a pod and an account, and nothing else. */
const stage = `
apiVersion: v1
kind: Namespace
metadata: { name: outside }
---
apiVersion: v1
kind: Namespace
metadata: { name: warehouse, labels: { istio.io/dataplane-mode: ambient } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: intruder, namespace: outside }
${deployment("outside", "intruder", "[tools, sleep]", "serviceAccountName: intruder")}
${deployment("warehouse", "stock", "[tools, echo]")}
${deployment("warehouse", "orders", "[tools, echo]")}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: books, namespace: shop }
spec:
  selector: { matchLabels: { app: ledger } }
  rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/payments] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: orders-only, namespace: warehouse }
spec:
  selector: { matchLabels: { app: stock } }
  rules: [{ from: [{ source: { namespaces: [warehouse] } }] }]
`;

function deployment(namespace: string, name: string, command: string, more = ""): string {
  return `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      ${more}
      containers:
        - { name: ${name}, image: "slipway/apps:0.1.0", command: ${command} }`;
}

async function apply(yaml: string): Promise<void> {
  const file = join(slipway.state, "adversary.yaml");
  await writeFile(file, yaml);
  await slipway.kubectl("apply", "-f", file);
}

/** What comes of something that the intruder's pod tries. */
async function attack(what: object): Promise<string> {
  const code = await readFile(join(import.meta.dirname, "adversary/attack.mjs"), "utf8");
  const command = ["exec", "-i", "deploy/intruder", "--", "node", "--input-type=module", "-e", code];
  const child = spawn(kubectl, ["--kubeconfig", kubeconfig, "-n", "outside", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(JSON.stringify(what));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return output.trim() || errors.trim();
}

const get = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: ledger\r\n${headers}Connection: close\r\n\r\n`;
const mesh = {
  port: 8080,
  alpn: ["istio-http/1.1", "istio"],
  servername: "outbound_.80_._.ledger.shop.svc.cluster.local",
};
const knock = (pair: Partial<Pair>, path = "/entries"): Promise<string> =>
  attack({ how: "tls", host: address.ledger, ...mesh, ...pair, request: get(path) });

const logOf = (namespace: string, name: string, ...more: readonly string[]): Promise<string> =>
  slipway.kubectl("-n", namespace, "logs", name, "--tail=60", ...more);
const ledgerLog = (): Promise<string> => logOf("shop", "deploy/ledger", "-c", "istio-proxy");

describe("identities", () => {
  it("plain text is not answered where mutual TLS is asked for, and is recorded", async () => {
    expect(await attack({ how: "plain", host: address.ledger, port: 8080, request: get("/entries") })).toBe("closed");
    expect(await ledgerLog()).toMatch(/ NR - filter_chain_not_found /);
  });

  it("certificates that the mesh's authority did not sign, or not now, or for another domain, open nothing", async () => {
    const forged: Readonly<Record<string, Partial<Pair>>> = {
      none: {},
      "of its own": forge.selfSigned(payments),
      "of another authority": forge.signed(payments, forge.authority()),
      "that has ended": forge.signed(payments, ca, -1),
      "of another trust domain": forge.signed("spiffe://evil.local/ns/shop/sa/payments", ca),
    };
    const outcomes: Record<string, string> = {};
    for (const [what, pair] of Object.entries(forged)) outcomes[what] = await knock(pair);
    expect(new Set(Object.values(outcomes)), JSON.stringify(outcomes)).toEqual(new Set(["closed"]));
    expect((await ledgerLog()).match(/ DPE - downstream_tls_failed/g)?.length).toBeGreaterThanOrEqual(5);
  });

  it("an identity of one's own is no other's, whatever headers say; the refusal names the policy", async () => {
    for (const headers of ["", `x-forwarded-client-cert: By=x;URI=${payments}\r\n`, "x-envoy-internal: true\r\n"])
      expect(
        await attack({ how: "tls", host: address.ledger, ...mesh, ...own, request: get("/entries", headers) }),
      ).toMatch(/^HTTP\/1\.1 403 [\s\S]*RBAC: access denied/);
    expect(await ledgerLog()).toMatch(/403 - rbac_access_denied_matched_policy\[none\]/);
  });

  it("keys of workloads lie nowhere that an application could read them", async () => {
    const found = await slipway.kubectl(
      ...["-n", "shop", "exec", "deploy/payments", "-c", "payments", "--", "sh", "-c"],
      "grep -rl 'PRIVATE KEY' /var/run /etc/istio /tmp 2>/dev/null | head -1; echo end",
    );
    expect(found.trim()).toBe("end");
  });
});

describe("ports that are not for others", () => {
  it("a sidecar's own ports answer nothing but probes and metrics", async () => {
    const outcomes: Record<string, string> = {};
    const paths: readonly (readonly [number, string])[] = [
      ...[15000, 15001, 15004, 15006, 15008, 15053].map((port) => [port, "/"] as const),
      [15000, "/config_dump"],
      [15020, "/slipway/requests"],
      [15020, "/slipway/config_dump"],
    ];
    for (const [port, path] of paths)
      outcomes[`${port}${path}`] = (
        await attack({ how: "plain", host: address.ledger, port, request: get(path) })
      ).split("\r\n")[0]!;
    for (const [what, outcome] of Object.entries(outcomes))
      expect(outcome, what).toMatch(/^closed$|^HTTP\/1\.1 (?:403|503) /);
    const drain = "POST /drain HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const asked = await attack({ how: "plain", host: address.ledger, port: 15020, request: drain });
    expect(asked).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ledgerLog()).toMatch(/refused a caller from outside of the pod.*\/drain/);
    const metrics = await attack({
      how: "plain",
      host: address.ledger,
      port: 15020,
      request: get("/stats/prometheus"),
    });
    expect(metrics).toMatch(/slipway_admin_refused_total 3/);
  });

  it("the control plane's pages are not for pods, and its plain port is not for others", async () => {
    const pod = await slipway.kubectl(
      ...["-n", "istio-system", "get", "pods", "-l", "app=istiod", "-o", "jsonpath={.items[0].status.podIP}"],
    );
    for (const path of ["/debug/syncz", "/debug/config_dump", "/slipway/acks"])
      expect(await attack({ how: "plain", host: pod, port: 8080, request: get(path) })).toMatch(/^HTTP\/1\.1 403 /);
    expect(await attack({ how: "plain", host: pod, port: 15010, request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" })).toBe(
      "closed",
    );
    expect(await logOf("istio-system", "deploy/istiod")).toContain("refused a caller from outside of the pod");
  });
});

describe("HBONE", () => {
  const connect = (authority: string, pair: Partial<Pair> = own): Promise<string> =>
    attack({
      how: "tunnel",
      host: address.stock,
      port: 15008,
      ...pair,
      headers: { ":method": "CONNECT", ":authority": authority },
    });

  it("a pod that speaks it is who its certificate says, and gets no further than policy lets it", async () => {
    expect(await connect(`${address.stock}:8080`)).toBe("status 401");
    expect(await logOf("istio-system", "ds/ztunnel")).toMatch(
      /src\.identity="?spiffe:\/\/cluster\.local\/ns\/outside\/sa\/intruder/,
    );
  });

  it("a tunnel ends at the pod that it was opened to, and not at its proxy", async () => {
    for (const authority of [`${address.orders}:8080`, "127.0.0.1:15000", `${address.stock}:15000`, "10.96.0.1:443"])
      expect(await connect(authority), authority).toMatch(/^status 40[01]$/);
    const other = { ":method": "GET", ":scheme": "https", ":path": "/", ":authority": `${address.stock}:8080` };
    expect(await attack({ how: "tunnel", host: address.stock, port: 15008, ...own, headers: other })).toMatch(
      /status 40[05]/,
    );
    expect(await logOf("istio-system", "ds/ztunnel")).toContain("refused a tunnel");
  });

  it("no tunnel without a certificate of the mesh", async () => {
    const pairs = [{}, forge.selfSigned(payments), forge.signed(payments, ca, -1)];
    for (const pair of pairs) expect(await connect(`${address.stock}:8080`, pair)).toBe("closed");
    expect(await logOf("istio-system", "ds/ztunnel")).toContain("refused a tunnel: TLS failed");
  });

  it("its plain text and its capture's ports lead nowhere", async () => {
    for (const port of [8080, 15001, 15006, 15053])
      expect(await attack({ how: "plain", host: address.stock, port, request: get("/") }), `${port}`).toBe("closed");
  });
});

describe("the authority", () => {
  it("signs for nobody who cannot prove who they are, and nothing but their own name; each refusal is logged", async () => {
    const mine = forge.request(intruder).csr;
    const theirs = forge.request(payments).csr;
    const stolen = (
      await slipway.kubectl("-n", "shop", "create", "token", "payments", "--audience=https://kubernetes.default.svc")
    ).trim();
    const ended = forge.signed(payments, ca, -1);
    expect({
      nobody: await istiod.sign({}, mine),
      "a token for another audience": await istiod.sign({ token: stolen }, theirs),
      "a broken token": await istiod.sign({ token: `${token.slice(0, -4)}AAAA` }, mine),
      "another's name": await istiod.sign({ token }, theirs),
      "in another's place": await istiod.sign({ token }, theirs, payments),
      "a certificate of another authority": await istiod.sign(forge.signed(payments, forge.authority()), theirs),
      "a certificate that has ended": await istiod.sign(ended, theirs),
    }).toEqual({
      nobody: "UNAUTHENTICATED",
      "a token for another audience": "UNAUTHENTICATED",
      "a broken token": "UNAUTHENTICATED",
      "another's name": "PERMISSION_DENIED",
      "in another's place": "PERMISSION_DENIED",
      "a certificate of another authority": expect.stringMatching(/UNAUTHENTICATED|UNAVAILABLE/),
      "a certificate that has ended": expect.stringMatching(/UNAUTHENTICATED|UNAVAILABLE/),
    });
    expect(
      (await logOf("istio-system", "deploy/istiod")).match(/refused to sign a certificate/g)?.length,
    ).toBeGreaterThan(4);
  });
});

describe("discovery", () => {
  const node = (name: string, type = "sidecar"): string => `${type}~10.244.0.99~${name}~x.svc.cluster.local`;

  it("tells nothing without proof, nothing of other namespaces, and ztunnels' view to ztunnels only", async () => {
    const secrets = ["kubernetes://istio-ca-secret", "kubernetes://istio-system/istio-ca-secret"];
    expect({
      nobody: await istiod.discover({}, { node: node("intruder.outside"), typeUrl: CDS }),
      "another namespace": await istiod.discover({ token }, { node: node("ledger.shop"), typeUrl: CDS }),
      "the gateway": await istiod.discover({ token }, { node: node("gw.istio-system", "router"), typeUrl: CDS }),
      "a ztunnel": await istiod.discover({ token }, { node: node("ztunnel.outside", "ztunnel"), typeUrl: WDS }),
      "another's secrets": await istiod.discover(
        { token },
        { node: node("gw.outside", "router"), typeUrl: SDS, names: secrets },
      ),
    }).toEqual({
      nobody: "UNAUTHENTICATED",
      "another namespace": "PERMISSION_DENIED",
      "the gateway": "PERMISSION_DENIED",
      "a ztunnel": "PERMISSION_DENIED",
      "another's secrets": "",
    });
    expect((await logOf("istio-system", "deploy/istiod")).match(/stream refused/g)?.length).toBeGreaterThan(3);
  });
});

describe("custom resources of another namespace", () => {
  const calls = async (url: string): Promise<string> => {
    const tally = await slipway.kubectl(
      ...["-n", "shop", "exec", "deploy/payments", "-c", "payments", "--", "tools", "client", "--tally", url],
    );
    return tally.trim();
  };

  it("take over no service's name or address, open no policy, and are told of", async () => {
    const vip = await slipway.kubectl("-n", "shop", "get", "service", "ledger", "-o", "jsonpath={.spec.clusterIP}");
    const pod = await slipway.kubectl("-n", "outside", "get", "pods", "-o", "jsonpath={.items[0].status.podIP}");
    await apply(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: claims, namespace: outside }
spec:
  hosts: [ledger.shop.svc.cluster.local, kubernetes.default.svc.cluster.local, aaa.example]
  addresses: [${vip}, 10.96.0.1]
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]
  resolution: STATIC
  endpoints: [{ address: ${pod} }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: private, namespace: outside }
spec:
  hosts: [ledger.shop.svc.cluster.local]
  exportTo: ["."]
  http: [{ directResponse: { status: 418 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: short, namespace: outside }
spec: { hosts: [ledger], http: [{ directResponse: { status: 418 } }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: everybody, namespace: outside }
spec: { rules: [{}] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: nobody, namespace: outside }
spec: {}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: open, namespace: outside }
spec: { mtls: { mode: DISABLE } }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: everywhere, namespace: outside }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: ANY }
      patch: { operation: INSERT_FIRST, value: { name: evil } }
`);
    await expect
      .poll(() => slipway.run(["proxy-status"]).then(({ stdout }) => stdout), { timeout: 20_000 })
      .not.toContain("STALE");
    for (let round = 0; round < 5; round++) {
      expect(await calls("http://ledger/entries")).toBe('{"200":1}');
      expect(await calls(`http://${vip}/entries`)).toBe('{"200":1}');
      expect(await knock(own)).toMatch(/^HTTP\/1\.1 403 /);
      expect(await attack({ how: "plain", host: address.ledger, port: 8080, request: get("/entries") })).toBe("closed");
    }
  });

  it("cannot have another namespace's secret for a gateway of their own", async () => {
    await apply(`
apiVersion: v1
kind: Secret
metadata: { name: mine, namespace: outside }
type: kubernetes.io/tls
data: { tls.crt: ${Buffer.from(own.cert).toString("base64")}, tls.key: ${Buffer.from(own.key).toString("base64")} }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: thief, namespace: outside }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: ["thief.example"]
      tls: { mode: SIMPLE, credentialName: outside/mine }
`);
    const secrets = async (): Promise<string> =>
      slipway.must(["proxy-config", "secret", "deploy/istio-ingressgateway", "-n", "istio-system"]);
    await expect
      .poll(() => slipway.run(["proxy-status"]).then(({ stdout }) => stdout), { timeout: 20_000 })
      .not.toContain("STALE");
    expect(await secrets()).not.toMatch(/mine.*ACTIVE/);
  });
});

describe("paths and tokens", () => {
  it("tricks with a path lead round no policy, and a token that nobody signed proves nothing", async () => {
    await apply(`
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: books, namespace: shop }
spec:
  selector: { matchLabels: { app: ledger } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/entries, /entries/*] } }] }]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: shop }
spec:
  selector: { matchLabels: { app: ledger } }
  jwtRules: [{ issuer: https://idp.example, jwks: '{"keys":[{"kty":"oct","kid":"one","k":"AAAA"}]}' }]
`);
    await expect.poll(() => knock(own), { timeout: 20_000 }).toMatch(/^HTTP\/1\.1 403 [\s\S]*RBAC/);
    const tricks = [
      "/%65ntries",
      "/./entries",
      "/x/../entries",
      "/x/%2e%2e/entries",
      "/x\\..\\entries",

      "/x/..;/entries",
    ];
    for (const path of tricks) expect(await knock(own, path), path).toMatch(/^HTTP\/1\.1 (?:400|403|404) /);
    const unsigned = ['{"alg":"none"}', '{"iss":"https://idp.example","sub":"ann"}'].map((part) =>
      Buffer.from(part).toString("base64url"),
    );
    const bearer = `Authorization: Bearer ${unsigned.join(".")}.\r\n`;
    expect(
      await attack({ how: "tls", host: address.ledger, ...mesh, ...own, request: get("/health", bearer) }),
    ).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ledgerLog()).toMatch(/401 - jwt_authn_access_denied/);
  });
});

describe("the host's own interface", () => {
  const upgrade = (headers: Readonly<Record<string, string>>, protocol?: string): Promise<string> =>
    new Promise((resolve) => {
      void slipway.status().then(({ interface: url }) => {
        const target = new URL("rpc", url.replace(/^http/, "ws").replace(/#.*$/, ""));
        const socket = new WebSocket(target, protocol === undefined ? [] : [protocol], { headers: { ...headers } });
        socket.on("open", () => resolve("open"));
        socket.on("unexpected-response", (_, response) => resolve(String(response.statusCode)));
        socket.on("error", () => resolve("error"));
      });
    });

  it("opens to nobody without the token, and to no page of another site, whatever name it has", async () => {
    const { interface: url } = await slipway.status();
    const secret = `slipway.${new URL(url).hash.replace("#token=", "")}`;
    expect(await upgrade({})).toBe("401");
    expect(await upgrade({}, "slipway.guess")).toBe("401");
    expect(await upgrade({ origin: "https://evil.example" }, secret)).toBe("403");
    expect(await upgrade({ host: "evil.example", origin: "http://evil.example" }, secret)).toBe("403");
    const page = await new Promise<number>((resolve) => {
      request(new URL("/", url), { headers: { host: "evil.example" } }, (response) =>
        resolve(response.statusCode ?? 0),
      ).end();
    });
    expect(page).toBe(403);
    expect(await upgrade({}, secret)).toBe("open");
  });
});
