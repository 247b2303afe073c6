import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import { EnvoyHarness } from "./envoy/harness.ts";
import { addresses, gatewayLabels, istio } from "./envoy/mesh-objects.ts";
import { askOurs, ourGateway } from "./envoy/our-gateway.ts";

const harness = new EnvoyHarness();
const script = join(import.meta.dirname, "envoy/authorizer.mjs");
const host = "authorizer.auth.svc.cluster.local";
/** Where Envoy finds it, in its own network. */
const inside = { address: "10.244.0.20", http: 8000, grpc: 9000 };
let outside: ChildProcess;
let ports: Readonly<Record<string, number>>;
const planes: LocalDataPlane[] = [];

beforeAll(async () => {
  await harness.start("DELTA_GRPC");
  harness.startInside(inside.address, [
    process.execPath,
    script,
    `${inside.address}:${inside.http}`,
    `${inside.address}:${inside.grpc}`,
  ]);
  outside = spawn(process.execPath, [script, "127.0.0.1:0", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  ports = await portsOf(outside);
  for (const object of objects) harness.source.apply(object);
});
afterAll(async () => {
  for (const plane of planes) await plane.close();
  outside?.kill();
  await harness.stop();
});

async function portsOf(child: ChildProcess): Promise<Readonly<Record<string, number>>> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return vi.waitFor(() => {
    const [, http] = /http (\d+)/.exec(output) ?? [];
    const [, grpc] = /grpc (\d+)/.exec(output) ?? [];
    if (http === undefined || grpc === undefined) throw new Error("the authorizer does not listen yet");
    return { [`outbound|8000||${host}`]: Number(http), [`outbound|9000||${host}`]: Number(grpc) };
  }, 10_000);
}

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256" }] });
const security = (kind: string, name: string, spec: object): KubeObject & { spec: object } => ({
  apiVersion: "security.istio.io/v1",
  kind,
  metadata: { name, namespace: "istio-system", resourceVersion: JSON.stringify(spec) },
  spec: { selector: { matchLabels: gatewayLabels }, ...spec },
});
const asking = (provider: string): KubeObject =>
  security("AuthorizationPolicy", "ask", {
    action: "CUSTOM",
    provider: { name: provider },
    rules: [{ to: [{ operation: { notPaths: ["/public*", "/claims*"] } }] }],
  });

const mesh = `
extensionProviders:
  - name: by-http
    envoyExtAuthzHttp:
      service: ${host}
      port: 8000
      timeout: 3s
      pathPrefix: /check
      includeRequestHeadersInCheck: [cookie, "x-a*"]
      includeAdditionalHeadersInCheck: { x-mesh: slipway }
      includeRequestBodyInCheck: { maxRequestBytes: 8, allowPartialMessage: true }
      headersToUpstreamOnAllow: [x-role]
      headersToDownstreamOnDeny: [set-cookie, "x-o*"]
      statusOnError: "503"
      clearRouteCache: true
  - name: by-grpc
    envoyExtAuthzGrpc: { service: ${host}, port: 9000, timeout: 3s, statusOnError: "503", clearRouteCache: true }
`;
const directly = (status: number) => ({ directResponse: { status, body: { string: String(status) } } });
const objects: readonly KubeObject[] = [
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio", namespace: "istio-system" },
    data: { mesh },
  } as KubeObject,
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "authorizer", namespace: "auth" },
    spec: {
      clusterIP: "10.96.0.40",
      selector: { app: "authorizer" },
      ports: [
        { name: "http", port: 8000, targetPort: inside.http },
        { name: "grpc", port: 9000, targetPort: inside.grpc },
      ],
    },
  } as KubeObject,
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "authorizer-a", namespace: "auth", labels: { "kubernetes.io/service-name": "authorizer" } },
    ports: [
      { name: "http", port: inside.http },
      { name: "grpc", port: inside.grpc },
    ],
    endpoints: [{ addresses: [inside.address], conditions: { ready: true } }],
  } as KubeObject,
  security("RequestAuthentication", "tokens", { jwtRules: [{ issuer: "https://idp.test", jwks }] }),
  security("AuthorizationPolicy", "closed", {
    action: "DENY",
    rules: [{ to: [{ operation: { paths: ["/closed*"] } }] }],
  }),
  istio("VirtualService", "entry", {
    hosts: ["*"],
    gateways: ["shop"],
    http: [
      { match: [{ headers: { "x-role": { exact: "tester" } } }], ...directly(291) },
      {
        match: [{ uri: { prefix: "/claims" }, headers: { "@request.auth.claims.role": { exact: "tester" } } }],
        ...directly(292),
      },
      {
        match: [{ uri: { prefix: "/claims" }, headers: { "@request.auth.claims[a.b][c]": { prefix: "te" } } }],
        ...directly(293),
      },
      {
        match: [
          {
            uri: { prefix: "/claims" },
            withoutHeaders: { "@request.auth.claims.plan": { regex: "free|trial" } },
            headers: { "@request.auth.claims.plan": {} },
          },
        ],
        ...directly(294),
      },
      directly(290),
    ],
  }),
];

const ask = (path: string, headers: readonly string[] = [], method = "GET", body = ""): string => {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return [
    `${method} ${path} HTTP/1.1`,
    "Host: shop.example.com",
    ...headers,
    ...length,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
};

const compared = /^(?:location|set-cookie|www-authenticate|content-type|x-own|x-secret|allow):/i;

/** Status, body and the headers that an authorizer may have set. */
function outcomeOf(answer: string): string {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const [start = "", ...lines] = head.split("\r\n");
  const kept = lines
    .filter((line) => compared.test(line))
    .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
  return [start.split(" ")[1], ...kept.toSorted(), rest.join("\r\n\r\n")].join(" | ");
}

const onLoopback = (name: string, portValue: number): Cluster => {
  const address = { socketAddress: { address: "127.0.0.1", portValue } };
  const endpoints = [{ lbEndpoints: [{ endpoint: { address } }] }];
  return Cluster.fromJSON({
    name,
    type: "STATIC",
    connectTimeout: { seconds: 1 },
    loadAssignment: { clusterName: name, endpoints },
  });
};

/** The same requests to both, once both have what was applied. */
async function compare(requests: readonly (readonly [string, string])[]): Promise<ReadonlyMap<string, string>> {
  await harness.settled(2);
  expect(harness.pilot.record.rejections).toEqual([]);
  const plane = await ourGateway(harness, addresses.gatewayPort);
  planes.push(plane);
  const changed = Object.entries(ports).map(([name, port]) => ({
    name,
    version: "1",
    resource: onLoopback(name, port),
  }));
  plane.apply({ type: "cluster", changed, removed: [] });
  const input = JSON.stringify(requests.map(([, request]) => request));
  const ours = await askOurs(plane, input);
  const theirs = harness.raw(addresses.gatewayPort, input);
  const table = (answers: readonly string[]) =>
    requests.map(([what], index) => `${what}: ${outcomeOf(answers[index] ?? "")}`);
  expect(table(ours)).toEqual(table(theirs));
  return new Map(requests.map(([what], index) => [what, outcomeOf(theirs[index] ?? "")]));
}

const applied = async (policy: KubeObject): Promise<void> => {
  const { resourceVersion } = policy.metadata;
  harness.source.apply(policy);
  await vi.waitFor(() => {
    const found = harness.pilot.distributor.snapshot?.authorizationPolicies.find(({ origin }) => origin.name === "ask");
    expect(found?.origin.resourceVersion).toBe(resourceVersion);
  });
};

const paths = [
  "/ok",
  "/deny",
  "/deny-401",
  "/redirect",
  "/created",
  "/none",
  "/missing",
  "/fails",
  "/busy",
  "/tester",
  "/public",
  "/public/deny",
];
const requests: readonly (readonly [string, string])[] = [
  ...paths.map((path) => [path, ask(path)] as const),
  ["a header that it takes away", ask("/untester", ["x-role: tester"])],
  ["a header that it overrides", ask("/tester", ["x-role: buyer"])],
  ["a header of the client's own", ask("/ok", ["x-role: tester"])],
  ["DENY after it", ask("/closed/ok")],
  ["it before DENY", ask("/closed/redirect")],
  ["HEAD", ask("/deny-401", [], "HEAD")],
  ["a bad token, denied before it is read", ask("/deny-401", ["Authorization: Bearer x.y.z"])],
  ["a bad token, let in", ask("/ok", ["Authorization: Bearer x.y.z"])],
];

it("an authorizer over HTTP is asked the same, and obeyed the same, by our proxy and by a real Envoy", async () => {
  await applied(asking("by-http"));
  const outcomes = await compare([
    ...requests,
    [
      "what it sees",
      ask("/show?x=%2F&y", ["Cookie: a=b", "X-A1: 1", "X-Other: 2", "X-Mesh: forged", "Authorization: Basic x"]),
    ],
    ["what it sees of a body", ask("/show", [], "POST", "hello")],
    ["what it sees of a long body", ask("/show", ["Content-Type: text/plain"], "POST", "hello world")],
    ["two lines of a header", ask("/show", ["X-A1: 1", "X-A1: 2"])],
  ]);
  expect(outcomes.get("/deny-401")).toBe(
    "401 | content-type: text/plain | www-authenticate: Basic | x-own: 1 | who are you?",
  );
  expect(outcomes.get("/fails")).toMatch(/^503/);
  expect(outcomes.get("/tester")).toMatch(/^291/);
  expect(outcomes.get("what it sees of a long body")).toContain('"body":"hello wo"');
});

it("and so is one over gRPC", async () => {
  await applied(asking("by-grpc"));
  const outcomes = await compare(requests);
  expect(outcomes.get("/deny-401")).toMatch(/^401 .*x-secret: 2/);
  expect(outcomes.get("/busy")).toMatch(/^503/);
});

it("one that is not there lets nobody in, in both", async () => {
  await applied(asking("nobody"));
  const outcomes = await compare([
    ["/ok", ask("/ok")],
    ["/public", ask("/public")],
  ]);
  expect([...outcomes.values()]).toEqual([
    "403 | content-type: text/plain | RBAC: access denied",
    expect.stringMatching(/^290/),
  ]);
});

it("routes on claims lead the same way in both, and no header does", async () => {
  const token = async (claims: Readonly<Record<string, unknown>>): Promise<string> => {
    const jwt = new SignJWT({ iss: "https://idp.test", sub: "ann", ...claims }).setProtectedHeader({
      alg: "ES256",
      kid: "one",
    });
    return `Authorization: Bearer ${await jwt.setExpirationTime("10m").sign(privateKey)}`;
  };
  const outcomes = await compare([
    ["no token", ask("/claims")],
    ["a claim", ask("/claims", [await token({ role: "tester" })])],
    ["another", ask("/claims", [await token({ role: "testers" })])],
    ["an item of a list", ask("/claims", [await token({ role: ["buyer", "tester"] })])],
    ["a nested one", ask("/claims", [await token({ "a.b": { c: "tester" } })])],
    ["not this one", ask("/claims", [await token({ plan: "free" })])],
    ["not this one, but another", ask("/claims", [await token({ plan: "gold" })])],
    ["a number", ask("/claims", [await token({ role: 1, plan: 2 })])],
    ["a header", ask("/claims", ["request.auth.claims.role: tester"])],
    ["a bad token", ask("/claims", ["Authorization: Bearer x.y.z"])],
  ]);
  const statuses = [...outcomes.values()].map((outcome) => Number(outcome.slice(0, 3)));
  expect(statuses).toEqual([290, 292, 290, 292, 293, 290, 294, 290, 290, 401]);
});
