import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { istioKinds } from "./definitions.ts";
import type { KubeObject } from "./object.ts";
import { parseObject } from "./parse.ts";

/** The kind with a spec in YAML. */
function object(kind: string, spec: string): KubeObject {
  const definition = istioKinds.find((one) => one.kind === kind);
  if (definition === undefined) throw new Error(`no kind ${kind}`);
  const apiVersion = `${definition.group}/${definition.versions[0]}`;
  return { apiVersion, kind, metadata: { name: "x", namespace: "shop" }, spec: parse(spec) } as KubeObject;
}

const problems = (kind: string, spec: string): readonly string[] =>
  parseObject(object(kind, spec)).problems.map(({ severity, field, message }) => `${severity} ${field}: ${message}`);

const route = "route: [{ destination: { host: cart } }]";
const http = (text: string): string => `{ hosts: [cart], http: [{ ${text} }] }`;

/** Kind, what is wrong, the spec, and how the one problem begins. */
const refused: readonly (readonly [kind: string, what: string, spec: string, problem: string])[] = [
  ["VirtualService", "no routes", "{ hosts: [cart] }", "error spec: needs at least one of http"],
  [
    "VirtualService",
    "every host in the mesh",
    `{ hosts: ["*"], http: [{ ${route} }] }`,
    'error spec.hosts[0]: "*" may stand only',
  ],
  ["VirtualService", "a host twice", `{ hosts: [cart, cart], http: [{ ${route} }] }`, "error spec.hosts[1]: host"],
  [
    "VirtualService",
    "a wildcard in the middle",
    `{ hosts: ["a.*.com"], http: [{ ${route} }] }`,
    'error spec.hosts[0]: "a.*.com"',
  ],
  [
    "VirtualService",
    "a gateway of no such form",
    `{ hosts: [cart], gateways: [a/b/c], http: [{ ${route} }] }`,
    'error spec.gateways[0]: "a/b/c"',
  ],
  ["VirtualService", "no action", http("name: x"), "error spec.http[0]: needs one of route"],
  ["VirtualService", "two actions", http(`${route}, redirect: { uri: / }`), "error spec.http[0]: may have only one of"],
  [
    "VirtualService",
    "no host",
    http("route: [{ destination: { subset: v1 } }]"),
    "error spec.http[0].route[0].destination.host: is required",
  ],
  [
    "VirtualService",
    "a bad subset",
    http("route: [{ destination: { host: cart, subset: v_1 } }]"),
    "error spec.http[0].route[0].destination.subset:",
  ],
  [
    "VirtualService",
    "a bad port",
    http("route: [{ destination: { host: cart, port: { number: 70000 } } }]"),
    "error spec.http[0].route[0].destination.port.number: 70000",
  ],
  [
    "VirtualService",
    "weights of zero",
    http("route: [{ destination: { host: a }, weight: 0 }, { destination: { host: b }, weight: 0 }]"),
    "error spec.http[0].route: all weights are zero",
  ],
  [
    "VirtualService",
    "a negative weight",
    http("route: [{ destination: { host: a }, weight: -1 }, { destination: { host: b }, weight: 2 }]"),
    "error spec.http[0].route[0].weight: must not be negative",
  ],
  [
    "VirtualService",
    "a regex with a lookahead",
    http(`match: [{ uri: { regex: "(?=x)" } }], ${route}`),
    'error spec.http[0].match[0].uri.regex: "(?=x)"',
  ],
  [
    "VirtualService",
    "two ways to match",
    http(`match: [{ uri: { exact: /a, prefix: /b } }], ${route}`),
    "error spec.http[0].match[0].uri: may have only one of",
  ],
  [
    "VirtualService",
    "an empty prefix",
    http(`match: [{ uri: { prefix: "" } }], ${route}`),
    "error spec.http[0].match[0].uri.prefix: must not be empty",
  ],
  [
    "VirtualService",
    "no name of a header",
    http(`match: [{ headers: { "a b": { exact: x } } }], ${route}`),
    "error spec.http[0].match[0].headers[a b]:",
  ],
  [
    "VirtualService",
    "a timeout without a unit",
    http(`timeout: "5", ${route}`),
    'error spec.http[0].timeout: "5" is not a duration',
  ],
  [
    "VirtualService",
    "a negative timeout",
    http(`timeout: -5s, ${route}`),
    'error spec.http[0].timeout: "-5s" must not be negative',
  ],
  [
    "VirtualService",
    "a reason to retry that is none",
    http(`retries: { attempts: 2, retryOn: "5xx,sometimes" }, ${route}`),
    'error spec.http[0].retries.retryOn: "sometimes"',
  ],
  [
    "VirtualService",
    "retries that are off",
    http(`retries: { attempts: 0, perTryTimeout: 1s }, ${route}`),
    "error spec.http[0].retries.perTryTimeout: has no meaning",
  ],
  [
    "VirtualService",
    "more than all requests",
    http(`fault: { abort: { httpStatus: 500, percentage: { value: 101 } } }, ${route}`),
    "error spec.http[0].fault.abort.percentage.value: must be between",
  ],
  [
    "VirtualService",
    "an abort with nothing",
    http(`fault: { abort: { percentage: { value: 1 } } }, ${route}`),
    "error spec.http[0].fault.abort: needs httpStatus",
  ],
  [
    "VirtualService",
    "a redirect that changes nothing",
    http("redirect: {}"),
    "error spec.http[0].redirect: must change something",
  ],
  [
    "VirtualService",
    "a redirect that is none",
    http("redirect: { uri: /, redirectCode: 200 }"),
    "error spec.http[0].redirect.redirectCode: 200",
  ],
  [
    "VirtualService",
    "two rewrites",
    http(`rewrite: { uri: /, uriRegexRewrite: { match: a, rewrite: b } }, ${route}`),
    "error spec.http[0].rewrite: may have only one",
  ],
  [
    "VirtualService",
    "a pseudo header",
    http(`headers: { response: { set: { ":status": "200" } } }, ${route}`),
    "error spec.http[0].headers.response.set[:status]:",
  ],
  [
    "VirtualService",
    "names beyond the hosts",
    "{ hosts: [a.com], tls: [{ match: [{ sniHosts: [b.com] }], route: [{ destination: { host: b } }] }] }",
    'error spec.tls[0].match[0].sniHosts[0]: "b.com"',
  ],
  [
    "VirtualService",
    "an unreachable rule",
    `{ hosts: [cart], http: [{ ${route} }, { name: b, ${route} }] }`,
    "warning spec.http[1]: is never reached",
  ],
  [
    "VirtualService",
    "the same match twice",
    `{ hosts: [cart], http: [{ match: [{ port: 80, uri: { exact: /a } }], ${route} }, { match: [{ uri: { exact: /a }, port: 80 }], ${route} }] }`,
    "warning spec.http[1].match[0]: is never reached",
  ],
  [
    "VirtualService",
    "a delegate with gateways",
    `{ gateways: [g], http: [{ ${route} }] }`,
    "error spec.gateways: a VirtualService without hosts",
  ],
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
      "VirtualService",
      http(
        `match: [{ headers: { end-user: { exact: tester } } }, { uri: { prefix: /a } }], ${route}, timeout: 0s, retries: { attempts: 3, retryOn: "5xx,503" }`,
      ),
    ],
    ["VirtualService", `{ hosts: ["*"], gateways: [istio-system/public], http: [{ ${route} }] }`],
    [
      "VirtualService",
      http("route: [{ destination: { host: a, subset: v1 }, weight: 90 }, { destination: { host: b }, weight: 10 }]"),
    ],
    ["VirtualService", http("directResponse: { status: 503, body: { string: closed } }")],
    ["VirtualService", `{ http: [{ ${route} }] }`],
    [
      "VirtualService",
      '{ hosts: ["*.a.com"], gateways: [g], tls: [{ match: [{ port: 443, sniHosts: [x.a.com] }], route: [{ destination: { host: x } }] }] }',
    ],
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
