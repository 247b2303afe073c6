import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { ExtAuthz } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { ExtAuthz as NetworkExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import { RBAC as NetworkRbac } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { CheckRequest, CheckResponse } from "#gen/xds/envoy/service/auth/v3/external_auth.ts";
import { exchange, type Harness, harness, respond, until, upstream } from "./listener/testing/harness.ts";
import { clusterOf, httpFilter, listenerOf, pack, tcpFilter } from "./listener/testing/resources.ts";
import type { PolicyOutcome, RequestRecord } from "./request-record.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const rule = "istio-ext-authz-login-ns[shop]-policy[ask]-rule[0]";
const manifest = "/apis/security.istio.io/v1/namespaces/shop/authorization-policy/ask";
const any = ({ typeUrl, value }: { typeUrl: string; value: Buffer }) => ({ typeUrl, value: value.toString("base64") });
const enabled = (filter: string) => ({
  filterEnabledMetadata: {
    filter,
    path: [{ key: "istio_ext_authz_shadow_effective_policy_id" }],
    value: { stringMatch: { prefix: "istio-ext-authz-login-" } },
  },
});
const shadow = (permission: object) => ({
  shadowRules: { action: "DENY", policies: { [rule]: { permissions: [permission], principals: [{ any: true }] } } },
  shadowRulesStatPrefix: "istio_ext_authz_",
});
const asking = (config: object) => [
  {
    name: "envoy.filters.http.rbac",
    typedConfig: any(
      pack(
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        RBAC,
        shadow({ notRule: { urlPath: { path: { prefix: "/public" } } } }),
      ),
    ),
  },
  {
    name: "envoy.filters.http.ext_authz",
    typedConfig: any(
      pack("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", ExtAuthz, {
        ...enabled("envoy.filters.http.rbac"),
        ...config,
      }),
    ),
  },
];
const list = (...names: readonly string[]) => ({ patterns: names.map((exact) => ({ exact })) });
const overHttp = (service: object = {}) => ({
  httpService: { serverUri: { uri: "http://auth", cluster: "auth", timeout: { seconds: 5 } }, ...service },
});

interface Started {
  readonly one: Harness;
  readonly seen: readonly string[];
  readonly decisions: (readonly [string | undefined, PolicyOutcome])[];
}

async function start(filters: readonly object[], authorizer: number, connectionFilters: readonly object[] = []) {
  const app = await upstream(() => respond("app"));
  closers.push(() => app.close());
  const decisions: Started["decisions"] = [];
  const records: RequestRecord[] = [];
  const one = harness({
    sink: {
      record: (record) =>
        records.push({
          ...record,
          status: record.status,
          flags: record.flags,
          details: record.details,
          configSource: record.configSource,
        }),
      decided: (policy, outcome) => decisions.push([policy, outcome]),
    },
  });
  closers.push(() => one.close());
  const changed = [clusterOf("app", [app.port]), clusterOf("auth", [authorizer])];
  one.plane.apply({ type: "cluster", changed, removed: [] });
  const virtualHosts = [
    {
      name: "all",
      domains: ["*"],
      routes: [
        {
          match: { prefix: "/", headers: [{ name: "x-role", stringMatch: { exact: "tester" } }] },
          directResponse: { status: 299 },
        },
        { match: { prefix: "/" }, route: { cluster: "app" } },
      ],
    },
  ];
  const manager = httpFilter({
    routeConfig: { name: "80", virtualHosts },
    httpFilters: [...filters, { name: "envoy.filters.http.router" }],
  });
  const chain = connectionFilters.length > 0 ? [...connectionFilters, tcpFilter("app")] : [manager];
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains: [{ filters: chain }] })], removed: [] });
  await one.plane.listening();
  return { one, seen: app.seen.requests, decisions, records };
}

interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

async function httpAuthorizer(answer: (request: IncomingMessage, body: string) => HttpAnswer | undefined) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      asked.push({ request, body });
      const given = answer(request, body);
      if (given !== undefined) response.writeHead(given.status, given.headers ?? {}).end(given.body ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

async function grpcAuthorizer(answer: (request: CheckRequest) => object) {
  const asked: CheckRequest[] = [];
  const server = new Server();
  server.addService(
    {
      check: {
        path: "/envoy.service.auth.v3.Authorization/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: CheckRequest) => Buffer.from(CheckRequest.encode(value).finish()),
        requestDeserialize: (bytes: Buffer) => CheckRequest.decode(bytes),
        responseSerialize: (value: CheckResponse) => Buffer.from(CheckResponse.encode(value).finish()),
        responseDeserialize: (bytes: Buffer) => CheckResponse.decode(bytes),
      },
    },
    {
      check: (call: { request: CheckRequest }, done: (error: Error | null, value?: CheckResponse) => void) => {
        asked.push(call.request);
        done(null, CheckResponse.fromJSON(answer(call.request)));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  closers.push(() => server.forceShutdown());
  return { port, asked };
}

const complete = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n");
  return end > 0 && text.length >= end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
};
const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${headers}\r\n`;
const send = ({ one }: Pick<Started, "one">, request: string): Promise<string> =>
  exchange(one.port(), request, complete);

describe("an authorizer over HTTP", () => {
  it("is asked with what is allowed, and its headers go on", async () => {
    const auth = await httpAuthorizer(() => ({
      status: 200,
      headers: {
        "x-user": "ann",
        "x-secret": "no",
        "set-cookie": "s=1",
        "x-envoy-auth-headers-to-remove": "cookie, host",
      },
    }));
    const service = {
      pathPrefix: "/check",
      authorizationRequest: { headersToAdd: [{ key: "x-mesh", value: "yes" }] },
      authorizationResponse: {
        allowedUpstreamHeaders: list("x-user"),
        allowedClientHeadersOnSuccess: list("set-cookie"),
      },
    };
    const started = await start(asking({ ...overHttp(service), allowedHeaders: list("cookie") }), auth.port);
    const answer = await send(
      started,
      get("/a?b=c", "Cookie: s=0\r\nX-User: mallory\r\nX-Other: 1\r\nX-Mesh: no\r\nAuthorization: Basic x\r\n"),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*set-cookie: s=1/);
    const { request, body } = auth.asked[0]!;
    expect([request.method, request.url, body]).toEqual(["GET", "/check/a?b=c", ""]);
    expect(request.headers).toMatchObject({ host: "cart", cookie: "s=0", "x-mesh": "yes", authorization: "Basic x" });
    expect(request.headers["x-other"]).toBeUndefined();
    const [forwarded = ""] = started.seen;
    expect(forwarded).toContain("x-user: ann");
    expect(forwarded).toMatch(/host: cart/i);
    expect(forwarded).not.toMatch(/mallory|cookie|secret/i);
    expect(started.decisions).toEqual([[rule, "allowed"]]);
  });

  it("is not asked where no rule matches", async () => {
    const auth = await httpAuthorizer(() => ({ status: 403 }));
    const started = await start(asking(overHttp()), auth.port);
    expect(await send(started, get("/public"))).toMatch(/^HTTP\/1\.1 200 /);
    expect([auth.asked, started.decisions]).toEqual([[], []]);
  });

  it("denies in its own words; the record names policy and provider", async () => {
    const auth = await httpAuthorizer(() => ({
      status: 302,
      headers: { location: "https://idp/", "set-cookie": ["a=1", "b=2"], "x-own": "1", "content-type": "text/html" },
      body: "go",
    }));
    const rules = { authorizationResponse: { allowedClientHeaders: list("set-cookie") } };
    const started = await start(asking(overHttp(rules)), auth.port);
    const answer = await send(started, get("/"));
    expect(answer).toMatch(/^HTTP\/1\.1 302 /);
    expect(answer).toMatch(/location: https:\/\/idp\/\r\n[\s\S]*set-cookie: a=1\r\nset-cookie: b=2\r\n/);
    expect(answer).toMatch(/\r\n\r\ngo$/);
    expect(answer).not.toContain("x-own");
    await until(() => started.records.length === 1);
    expect(started.records[0]).toMatchObject({
      status: 302,
      flags: "UAEX",
      details: `ext_authz_denied_matched_policy[${rule}]`,
      configSource: manifest,
    });
    expect([started.seen, started.decisions]).toEqual([[], [[rule, "denied"]]]);
  });

  it.each([
    ["answers 500", { status: 500 }, "it_answered_500"],
    ["does not answer in time", undefined, "it_did_not_answer_in_time"],
  ] as const)("fails closed when it %s", async (_, given, reason) => {
    const auth = await httpAuthorizer(() => given);
    const uri = { serverUri: { uri: "http://auth", cluster: "auth", timeout: { nanos: 200_000_000 } } };
    const started = await start(asking({ httpService: uri, statusOnError: { code: 503 } }), auth.port);
    expect(await send(started, get("/"))).toMatch(/^HTTP\/1\.1 503 /);
    await until(() => started.records.length === 1);
    expect(started.records[0]).toMatchObject({
      flags: "UAEX",
      details: `ext_authz_error_matched_policy[${rule}]{${reason}}`,
    });
    expect([started.seen, started.decisions, auth.asked.length]).toEqual([[], [[rule, "failed"]], 1]);
  });

  it("that is away refuses with 403, or lets in where it is told to fail open", async () => {
    const closed = await start(asking(overHttp()), 1);
    expect(await send(closed, get("/"))).toMatch(/^HTTP\/1\.1 403 /);
    const open = await start(asking({ ...overHttp(), failureModeAllow: true }), 1);
    expect(await send(open, get("/"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(open.decisions).toEqual([[rule, "failed_open"]]);
  });

  it.each([
    ["whole", "Content-Length: 5\r\n\r\nhello", "hello", "false"],
    ["whole in chunks", "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello", "false"],
    ["cut off", "Content-Length: 12\r\n\r\nhello-world!", "hello-wo", "true"],
  ])("gets the body %s, and so does the upstream", async (_, message, expected, partial) => {
    const auth = await httpAuthorizer(() => ({ status: 200 }));
    const withRequestBody = { maxRequestBytes: 8, allowPartialMessage: true };
    const started = await start(asking({ ...overHttp(), withRequestBody }), auth.port);
    expect(await send(started, `POST / HTTP/1.1\r\nHost: cart\r\n${message}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(auth.asked[0]?.body).toBe(expected);
    expect(auth.asked[0]?.request.headers["x-envoy-auth-partial-body"]).toBe(partial);
    expect(started.seen[0]).toContain(message.slice(message.indexOf("\r\n\r\n")));
  });

  it("refuses a body that is too long", async () => {
    const auth = await httpAuthorizer(() => ({ status: 200 }));
    const started = await start(asking({ ...overHttp(), withRequestBody: { maxRequestBytes: 4 } }), auth.port);
    const answer = await send(started, "POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 5\r\n\r\nhello");
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(auth.asked).toEqual([]);
  });

  it("may change the route, where the route is looked for again", async () => {
    const auth = await httpAuthorizer(() => ({ status: 200, headers: { "x-role": "tester" } }));
    const service = overHttp({ authorizationResponse: { allowedUpstreamHeaders: list("x-role") } });
    const kept = await start(asking(service), auth.port);
    expect(await send(kept, get("/"))).toMatch(/^HTTP\/1\.1 200 /);
    const cleared = await start(asking({ ...service, clearRouteCache: true }), auth.port);
    expect(await send(cleared, get("/"))).toMatch(/^HTTP\/1\.1 299 /);
  });
});

const overGrpc = (rest: object = {}) => ({
  grpcService: { envoyGrpc: { clusterName: "auth", authority: "auth.test" }, timeout: { seconds: 5 } },
  ...rest,
});

describe("an authorizer over gRPC", () => {
  it("is told of the request, and edits it", async () => {
    const auth = await grpcAuthorizer(() => ({
      status: { code: 0 },
      okResponse: {
        headers: [{ header: { key: "X-User", value: "ann" } }, { header: { key: "x-more", value: "2" }, append: true }],
        headersToRemove: ["cookie"],
        responseHeadersToAdd: [{ header: { key: "x-seen", value: "yes" } }],
      },
    }));
    const started = await start(asking(overGrpc({ withRequestBody: { maxRequestBytes: 9 } })), auth.port);
    const head =
      "POST /a?b HTTP/1.1\r\nHost: cart\r\nCookie: s\r\nX-User: mallory\r\nX-More: 1\r\nContent-Length: 2\r\n\r\nhi";
    expect(await send(started, head)).toMatch(/^HTTP\/1\.1 200 [\s\S]*x-seen: yes/);
    expect(await send(started, head)).toMatch(/^HTTP\/1\.1 200 /);
    expect(auth.asked).toHaveLength(2);
    expect(auth.asked[0]?.attributes?.request?.http).toMatchObject({
      method: "POST",
      path: "/a?b",
      host: "cart",
      scheme: "http",
      protocol: "HTTP/1.1",
      size: 2,
      body: "hi",
      headers: { ":path": "/a?b", cookie: "s", "x-user": "mallory", "x-envoy-auth-partial-body": "false" },
    });
    expect(started.seen[0]).toMatch(/x-user: ann/);
    expect(started.seen[0]).toMatch(/x-more: 1[\s\S]*x-more: 2/i);
    expect(started.seen[0]).not.toMatch(/mallory|cookie/i);
  });

  it("denies with status, headers and body", async () => {
    const auth = await grpcAuthorizer(() => ({
      status: { code: 7 },
      deniedResponse: {
        status: { code: 401 },
        headers: [{ header: { key: "www-authenticate", value: "Bearer" } }],
        body: "no",
      },
    }));
    const started = await start(asking(overGrpc()), auth.port);
    expect(await send(started, get("/"))).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer[\s\S]*\r\n\r\nno$/);
    expect(started.decisions).toEqual([[rule, "denied"]]);
  });

  it("that only refuses means 403, and one that is away is a failure", async () => {
    const auth = await grpcAuthorizer(() => ({ status: { code: 16 } }));
    expect(await send(await start(asking(overGrpc()), auth.port), get("/"))).toMatch(/^HTTP\/1\.1 403 /);
    const away = await start(asking(overGrpc({ statusOnError: { code: 503 } })), 1);
    expect(await send(away, get("/"))).toMatch(/^HTTP\/1\.1 503 /);
  });

  it("is asked about connections", async () => {
    let code = 7;
    const auth = await grpcAuthorizer(() => ({ status: { code } }));
    const filters = [
      {
        name: "envoy.filters.network.rbac",
        typedConfig: any(
          pack("envoy.extensions.filters.network.rbac.v3.RBAC", NetworkRbac, {
            statPrefix: "tcp.",
            ...shadow({ any: true }),
          }),
        ),
      },
      {
        name: "envoy.filters.network.ext_authz",
        typedConfig: any(
          pack("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz", NetworkExtAuthz, {
            statPrefix: "tcp.",
            ...enabled("envoy.filters.network.rbac"),
            ...overGrpc(),
          }),
        ),
      },
    ];
    const started = await start([], auth.port, filters);
    expect(await send(started, get("/"))).toBe("");
    expect(started.records[0]).toMatchObject({
      flags: "UAEX",
      details: `ext_authz_denied_matched_policy[${rule}]`,
      configSource: manifest,
    });
    code = 0;
    expect(await send(started, get("/"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(auth.asked[0]?.attributes?.source?.address?.address?.$case).toBe("socketAddress");
  });
});
