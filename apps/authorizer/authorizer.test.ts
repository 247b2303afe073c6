import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { browse } from "../loadgen/browse.ts";
import { type Program, startProgram } from "../testing/program.ts";

/** A site behind the authorizer, as a gateway has it: every request is asked about, but those to the provider. */
let site: URL;
let provider: Program;
let authorizer: Program;
const seen: IncomingMessage[] = [];
const server = createServer((request, response) => void front(request, response));
const folder = mkdtempSync(join(tmpdir(), "slipway-login-"));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  site = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  writeFileSync(
    join(folder, "clients.json"),
    JSON.stringify([
      { id: "gateway", secret: "gateway-secret", loginPath: "/_login/callback", logoutPath: "/_login/goodbye" },
    ]),
  );
  writeFileSync(join(folder, "users.json"), JSON.stringify([{ name: "ann", password: "right", groups: ["testers"] }]));
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}/idp`;
  provider = await startProgram(["idp", issuer], {
    PORT: String(port),
    CLIENTS_FILE: join(folder, "clients.json"),
    USERS_FILE: join(folder, "users.json"),
  });
  authorizer = await startProgram(["authorizer"], {
    ISSUER: issuer,
    BROWSER_ISSUER: "/idp",
    CLIENT_ID: "gateway",
    CLIENT_SECRET: "gateway-secret",
    SESSION_SECRET: "a secret of at least thirty-two characters",
  });
  await vi.waitFor(async () => expect((await fetch(`${authorizer.url}/readyz`)).status).toBe(200), 30_000);
  // Three programs have to start.
}, 60_000);
afterAll(async () => {
  await Promise.all([provider?.stop(), authorizer?.stop()]);
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

interface Sent {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** With the very path and Host. */
function ask(
  base: string,
  path: string,
  options: { method?: string; headers?: IncomingMessage["headers"]; body?: string } = {},
): Promise<Sent> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {} } = options;
    const outgoing = send({ hostname, port, path, method, headers }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

async function front(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { method = "GET", url = "/", headers } = request;
  const pass = ({ status, headers: given, body: text }: Sent): void => {
    const { connection: _1, "keep-alive": _2, "transfer-encoding": _3, ...rest } = given;
    response.writeHead(status, rest).end(text);
  };
  if (url.startsWith("/idp/")) return pass(await ask(provider.url, url, { method, headers, body }));
  const { "content-length": _length, ...checked } = headers;
  const answer = await ask(authorizer.url, `/check${url}`, {
    method,
    headers: { ...checked, "x-forwarded-proto": "http" },
  });
  if (answer.status !== 200) return pass(answer);
  seen.push(Object.assign(request, { headers: { ...headers, ...answer.headers } }));
  response.writeHead(200, {
    "x-shop-version": "site=v1",
    ...(answer.headers["set-cookie"] && { "set-cookie": answer.headers["set-cookie"] }),
  });
  response.end("the site");
}

const page = { accept: "text/html" };
const right = { user: "ann", password: "right" };
const visit = (path: string, login?: typeof right, headers = {}, count = 1) =>
  browse(site, { path, headers, login, count });

describe("a login", () => {
  it("leads to the provider's form, and nobody in without it", async () => {
    expect(await visit("/cart")).toMatchObject({ byStatus: { 200: 1 }, loginPages: 1, byVersion: {} });
    expect(await visit("/cart", { ...right, password: "wrong" })).toMatchObject({
      byStatus: { 401: 1 },
      loginPages: 1,
    });
    expect(seen).toEqual([]);
  });

  it("leads back to the page that was asked for, with a token for the services and none of our cookies", async () => {
    const tally = await visit("/cart?a=b", right, {}, 3);
    expect(tally).toMatchObject({ byStatus: { 200: 3 }, loginPages: 0, byVersion: { site: { v1: 3 } } });
    const last = seen.at(-1);
    expect(last?.url).toBe("/cart?a=b");
    expect(last?.headers["x-envoy-auth-headers-to-remove"]).toBe("cookie");
    const [, payload = ""] = last?.headers.authorization?.split(".") ?? [];
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
      sub: "ann",
      aud: "shop",
      groups: ["testers"],
    });
  });

  it.each([
    ["a program's call", { accept: "application/json" }],
    ["a page's call", { accept: "*/*", "sec-fetch-mode": "cors" }],
    ["an old page's call", { accept: "text/html", "x-requested-with": "XMLHttpRequest" }],
  ])("is not asked of %s: it is told 401", async (_, headers) => {
    expect(await visit("/api", undefined, headers)).toMatchObject({ byStatus: { 401: 1 }, loginPages: 0 });
  });
});

describe("nobody is led astray", () => {
  const begin = (path: string): Promise<Sent> => ask(site.href, path, { headers: { ...page, host: site.host } });

  it("has state, nonce and PKCE, in a cookie that no script reads", async () => {
    const { status, headers } = await begin("/cart");
    expect(status).toBe(302);
    const location = new URL(headers.location ?? "");
    expect(location.origin + location.pathname).toBe(`${site.origin}/idp/auth`);
    expect(location.searchParams.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "nonce", "code_challenge"])
      expect(location.searchParams.get(name)?.length).toBeGreaterThan(20);
    expect(headers["set-cookie"]?.join()).toMatch(/; Path=\/_login\/callback; .*HttpOnly; SameSite=Lax/);
    expect(headers["cache-control"]).toBe("no-store");
  });

  it.each(["//evil.test/", "/\\evil.test/", "/%2f%2fevil.test"])("%s leads back to this site", async (path) => {
    expect(await visit(path, right)).toMatchObject({ byStatus: { 200: 1 } });
  });

  it.each([
    ["without the cookie", "/_login/callback?code=x&state=y", {}],
    ["with another's state", "/_login/callback?code=x&state=y", { cookie: "session-0000000000000000=x" }],
  ])("a callback %s is refused", async (_, path, headers) => {
    expect((await ask(site.href, path, { headers: { ...page, ...headers } })).status).toBe(400);
  });

  it("a forged session is none", async () => {
    expect((await ask(site.href, "/", { headers: { ...page, cookie: "session=e30.e30.e30.e30.e30" } })).status).toBe(
      302,
    );
  });

  it("the provider sends nobody to another site", async () => {
    const to = encodeURIComponent("http://evil.test/_login/callback");
    const query = `client_id=gateway&response_type=code&scope=openid&redirect_uri=${to}`;
    expect((await ask(site.href, `/idp/auth?${query}`, { headers: page })).status).toBe(400);
  });
});

describe("a session", () => {
  /** Logs in by hand, for its cookie. */
  async function cookieOf(): Promise<string> {
    const jar = new Map<string, string>();
    let path = "/";
    let options: Parameters<typeof ask>[2] = {};
    for (let hop = 0; hop < 12; hop += 1) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const { status, headers, body } = await ask(site.href, path, {
        ...options,
        headers: { ...page, host: site.host, cookie, ...options.headers },
      });
      for (const line of headers["set-cookie"] ?? []) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        jar.set(name, value);
      }
      options = {};
      if (headers.location !== undefined) path = headers.location.replace(site.origin, "");
      else if (body.includes('type="password"')) {
        options = {
          method: "POST",
          body: "name=ann&password=right",
          headers: { "content-type": "application/x-www-form-urlencoded" },
        };
      } else if (status === 200) return `session=${jar.get("session")}`;
    }
    throw new Error("the login leads nowhere");
  }

  it("ends by a form of this site only, here and at the provider", async () => {
    const cookie = await cookieOf();
    const post = (headers: object): Promise<Sent> =>
      ask(site.href, "/_login/logout", { method: "POST", headers: { host: site.host, cookie, ...headers } });
    expect((await post({ origin: "http://evil.test" })).status).toBe(403);
    expect((await post({ "sec-fetch-site": "cross-site", origin: site.origin })).status).toBe(403);
    const { status, headers } = await post({ origin: site.origin });
    expect(status).toBe(303);
    expect(headers["set-cookie"]?.[0]).toMatch(/^session=; Path=\/; Max-Age=0;/);
    const end = new URL(headers.location ?? "");
    expect(end.pathname).toBe("/idp/session/end");
    expect(end.searchParams.get("post_logout_redirect_uri")).toBe(`${site.origin}/_login/goodbye`);
    expect((await ask(site.href, "/_login/logout", { headers: { ...page, cookie } })).body).toContain("<form");
  });

  it("is for TLS alone where the site has it", async () => {
    const headers = { ...page, host: "shop.test", "x-forwarded-proto": "https" };
    const answer = await ask(authorizer.url, "/check/", { headers });
    expect(answer.headers["set-cookie"]?.join()).toMatch(/^__Secure-session-.*; Secure/);
    expect(new URL(answer.headers.location ?? "").searchParams.get("redirect_uri")).toBe(
      "https://shop.test/_login/callback",
    );
  });
});
