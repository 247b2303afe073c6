import { describe, expect, test } from "vitest";
import { istioKinds } from "./definitions.ts";
import { parseObject } from "./parse.ts";
import { problems, type Refused } from "./testing/judge.ts";

const refused: Refused = [
  [
    "DestinationRule",
    "no host",
    "{ subsets: [{ name: v1, labels: { version: v1 } }] }",
    "error spec.host: is required",
  ],
  [
    "DestinationRule",
    "a subset twice",
    "{ host: cart, subsets: [{ name: v1, labels: { a: b } }, { name: v1, labels: { a: c } }] }",
    'error spec.subsets[1].name: subset "v1"',
  ],
  [
    "DestinationRule",
    "a bad label",
    '{ host: cart, subsets: [{ name: v1, labels: { version: "v 1" } }] }',
    'error spec.subsets[0].labels.version: "v 1"',
  ],
  [
    "DestinationRule",
    "two balancers",
    "{ host: cart, trafficPolicy: { loadBalancer: { simple: RANDOM, consistentHash: { useSourceIp: true } } } }",
    "error spec.trafficPolicy.loadBalancer: may have only one",
  ],
  [
    "DestinationRule",
    "mutual TLS without a key",
    "{ host: cart, trafficPolicy: { tls: { mode: MUTUAL, clientCertificate: /c } } }",
    "error spec.trafficPolicy.tls.privateKey: is required",
  ],
  [
    "DestinationRule",
    "mesh TLS with files",
    "{ host: cart, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, caCertificates: /c } } }",
    "error spec.trafficPolicy.tls.caCertificates: may not be set",
  ],
  [
    "DestinationRule",
    "ejecting more than all",
    "{ host: cart, trafficPolicy: { outlierDetection: { maxEjectionPercent: 200 } } }",
    "error spec.trafficPolicy.outlierDetection.maxEjectionPercent:",
  ],
  [
    "DestinationRule",
    "weights that do not add up",
    "{ host: cart, trafficPolicy: { loadBalancer: { localityLbSetting: { distribute: [{ from: a, to: { b: 50 } }] } } } }",
    "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to: weights",
  ],
  ["Gateway", "no servers", "{ selector: { istio: ingressgateway } }", "error spec.servers: needs at least one"],
  [
    "Gateway",
    "a protocol that is none",
    '{ servers: [{ port: { number: 80, name: a, protocol: FTP }, hosts: ["*"] }] }',
    'error spec.servers[0].port.protocol: "FTP"',
  ],
  [
    "Gateway",
    "HTTPS without TLS",
    '{ servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: ["*"] }] }',
    "error spec.servers[0].tls: is required",
  ],
  [
    "Gateway",
    "TLS without a certificate",
    '{ servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: ["*"], tls: { mode: SIMPLE } }] }',
    "error spec.servers[0].tls: mode SIMPLE needs",
  ],
  [
    "Gateway",
    "no hosts",
    "{ servers: [{ port: { number: 80, name: a, protocol: HTTP }, hosts: [] }] }",
    "error spec.servers[0].hosts: needs at least one",
  ],
  [
    "ServiceEntry",
    "every host",
    '{ hosts: ["*"], ports: [{ number: 80, name: http }] }',
    'error spec.hosts[0]: "*" would be',
  ],
  [
    "ServiceEntry",
    "fixed addresses without any",
    "{ hosts: [a.com], resolution: STATIC, ports: [{ number: 80, name: http }] }",
    "error spec.endpoints: are required",
  ],
  [
    "ServiceEntry",
    "a wildcard to look up",
    '{ hosts: ["*.a.com"], resolution: DNS, ports: [{ number: 80, name: http }] }',
    "error spec.hosts[0]: a wildcard cannot be looked up",
  ],
  [
    "ServiceEntry",
    "a port twice",
    "{ hosts: [a.com], ports: [{ number: 80, name: a }, { number: 80, name: b }] }",
    "error spec.ports[1].number: port",
  ],
  [
    "PeerAuthentication",
    "ports of nobody",
    '{ portLevelMtls: { "8080": { mode: DISABLE } } }',
    "error spec.portLevelMtls: needs a selector",
  ],
  [
    "AuthorizationPolicy",
    "a custom action by nobody",
    "{ action: CUSTOM, rules: [{}] }",
    "error spec.provider.name: is required",
  ],
  [
    "AuthorizationPolicy",
    "an empty source",
    "{ rules: [{ from: [{ source: {} }] }] }",
    "error spec.rules[0].from[0].source: must not be empty",
  ],
  [
    "AuthorizationPolicy",
    "no range",
    "{ rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/40] } }] }] }",
    'error spec.rules[0].from[0].source.ipBlocks[0]: "10.0.0.0/40"',
  ],
  [
    "AuthorizationPolicy",
    "an unknown attribute",
    "{ rules: [{ when: [{ key: request.body, values: [x] }] }] }",
    'error spec.rules[0].when[0].key: "request.body"',
  ],
  [
    "AuthorizationPolicy",
    "two targets",
    "{ selector: { matchLabels: { a: b } }, targetRefs: [{ kind: Gateway, name: x }] }",
    "error spec.targetRefs: may not stand beside selector",
  ],
  [
    "AuthorizationPolicy",
    "a template in the middle",
    '{ rules: [{ to: [{ operation: { paths: ["/a/{**}/b"] } }] }] }',
    'error spec.rules[0].to[0].operation.paths[0]: "{**}"',
  ],
  ["AuthorizationPolicy", "a policy that denies nothing", "{ action: DENY }", "warning spec: a DENY policy"],
  [
    "RequestAuthentication",
    "keys that are none",
    "{ jwtRules: [{ issuer: a, jwks: '{}' }] }",
    "error spec.jwtRules[0].jwks: is not a JSON Web Key Set",
  ],
  [
    "RequestAuthentication",
    "no issuer",
    "{ jwtRules: [{ jwksUri: 'https://a/b' }] }",
    "error spec.jwtRules[0].issuer: is required",
  ],
  [
    "Sidecar",
    "a host without a namespace",
    "{ egress: [{ hosts: [cart] }] }",
    'error spec.egress[0].hosts[0]: "cart" is not namespace/host',
  ],
  [
    "Sidecar",
    "an endpoint elsewhere",
    '{ ingress: [{ port: { number: 80, name: a, protocol: HTTP }, defaultEndpoint: "10.0.0.1:80" }] }',
    "error spec.ingress[0].defaultEndpoint:",
  ],
  ["WorkloadEntry", "no address", "{ labels: { a: b } }", "error spec.address: is required"],
  [
    "WorkloadGroup",
    "two probes",
    "{ template: {}, probe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }",
    "error spec.probe: needs exactly one",
  ],
  [
    "Telemetry",
    "more than everything",
    "{ tracing: [{ randomSamplingPercentage: 120 }] }",
    "error spec.tracing[0].randomSamplingPercentage:",
  ],
  [
    "EnvoyFilter",
    "no value",
    "{ configPatches: [{ applyTo: CLUSTER, patch: { operation: MERGE } }] }",
    "error spec.configPatches[0].patch.value: is required",
  ],
  ["WasmPlugin", "a scheme that is none", "{ url: 'ftp://a/b' }", 'error spec.url: "ftp"'],
  ["ProxyConfig", "a negative number", "{ concurrency: -1 }", "error spec.concurrency: must not be negative"],
];

describe("is found:", () => {
  test.each(refused)("%s with %s", (kind, _, spec, expected) => {
    const found = problems(kind, spec);
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(expected), found[0]).toBe(true);
  });
});

describe("is accepted:", () => {
  test.each([
    [
      "DestinationRule",
      "{ host: '*.shop.svc.cluster.local', trafficPolicy: { tls: { mode: ISTIO_MUTUAL }, connectionPool: { tcp: { connectTimeout: 30ms } } } }",
    ],
    [
      "Gateway",
      "{ selector: { istio: ingressgateway }, servers: [{ port: { number: 443, name: a, protocol: HTTPS }, hosts: [shop/x.com], tls: { mode: SIMPLE, credentialName: c } }] }",
    ],
    [
      "Gateway",
      '{ servers: [{ port: { number: 80, name: a, protocol: HTTP }, hosts: ["*"], tls: { httpsRedirect: true } }] }',
    ],
    [
      "ServiceEntry",
      "{ hosts: [a.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }] }",
    ],
    [
      "PeerAuthentication",
      '{ selector: { matchLabels: { app: cart } }, mtls: { mode: STRICT }, portLevelMtls: { "8080": { mode: DISABLE } } }',
    ],
    ["AuthorizationPolicy", "{}"],
    [
      "AuthorizationPolicy",
      '{ rules: [{ from: [{ source: { principals: ["*"] } }], to: [{ operation: { methods: [GET], paths: ["/a/{*}/b/{**}"] } }], when: [{ key: "request.headers[x]", values: [y] }] }] }',
    ],
    ["RequestAuthentication", "{ jwtRules: [{ issuer: a, jwksUri: 'https://a/keys' }] }"],
    ["Sidecar", '{ egress: [{ hosts: ["./*", "istio-system/*"] }] }'],
  ])("%s %s", (kind, spec) => expect(problems(kind, spec)).toEqual([]));
});

test("an object of another kind is none of our business", () => {
  const service = { apiVersion: "v1", kind: "Service", metadata: {} };
  expect(parseObject(service)).toEqual({ value: service, problems: [] });
});

/** Whatever stands in a field, judging it ends with problems, not with an exception. */
test.each(istioKinds.map(({ kind }) => kind))("%s of any shape is judged", (kind) => {
  for (const odd of [
    "null",
    "[]",
    "1",
    "x",
    "{ hosts: 1, http: [1], tls: {}, tcp: [[]], rules: [null], servers: [x], subsets: [1] }",
  ]) {
    expect(() => problems(kind, odd)).not.toThrow();
  }
});
