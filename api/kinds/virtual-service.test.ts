import { describe, expect, test } from "vitest";
import { problems, type Refused } from "./testing/judge.ts";

const route = "route: [{ destination: { host: cart } }]";
const http = (text: string): string => `{ hosts: [cart], http: [{ ${text} }] }`;

const refused: Refused = [
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
  ])("%s %s", (kind, spec) => expect(problems(kind, spec)).toEqual([]));
});
