import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import Provider from "oidc-provider";
import { numberFromEnv, readBody } from "../http.ts";
import { Accounts } from "./accounts.ts";
import { configurationFor } from "./configuration.ts";
import { loginPage } from "./pages.ts";
import { redirectByPath, staysHere } from "./redirects.ts";

const usage = `usage: idp <issuer>   an identity provider (OpenID Connect) on $PORT (8080), below the path of its issuer
  $CLIENTS_FILE  a JSON list of {"id", "secret", "groups"}: programs that get tokens of their own for the API "shop"
                 POST /token   grant_type=client_credentials&client_id=…&client_secret=…&resource=urn:shop
                 and of {"id", "secret", "loginPath", "logoutPath"}: those that log people in (authorization code)
  $USERS_FILE    a JSON list of {"name", "password", "groups"}: people
  GET /jwks      the keys that tokens are signed with`;

/** Somebody who guesses passwords waits. */
const GUESS_MS = 500;

const issuer = process.argv[2];
if (issuer === undefined || !URL.canParse(issuer)) {
  console.log(usage);
  process.exit(issuer === "--help" ? 0 : 64);
}
const accounts = new Accounts(
  process.env.CLIENTS_FILE ?? "/etc/idp/clients.json",
  process.env.USERS_FILE ?? "/etc/idp/users.json",
);
const prefix = new URL(issuer).pathname.replace(/\/$/, "");
const provider = new Provider(issuer, configurationFor(accounts, prefix));
provider.proxy = true;
redirectByPath(provider, accounts.clients);
const port = numberFromEnv("PORT", 8080);
const handle = provider.callback();
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) send(response, 400, "this login is over: begin again\n", "text/plain");
  });
});
server.listen(port, () => {
  const names = [...accounts.clients.map(({ id }) => id), ...accounts.users.map(({ name }) => name)];
  console.log(`listening on ${port}: ${issuer} for ${names.join(", ")}`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "/";
  if (path === "/readyz") return send(response, 200, "ready\n", "text/plain");
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return send(response, 404, "not found\n", "text/plain");
  const url = new URL(path, issuer);
  if (!staysHere(request, url)) return send(response, 400, "the redirect leads to another site\n", "text/plain");
  // The provider makes addresses of its own with the prefix in front.
  Object.assign(request, { originalUrl: path, url: path.slice(prefix.length) || "/" });
  if (request.url?.startsWith("/interaction/")) return interact(request, response);
  await handle(request, response);
}

/** The provider asks who somebody is. */
async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await provider.interactionDetails(request, response);
  if (request.method !== "POST") return send(response, 200, loginPage("", ""), "text/html");
  const form = new URLSearchParams(await readBody(request, 10_000));
  const name = form.get("name") ?? "";
  if (!accounts.matches(name, form.get("password") ?? "")) {
    await delay(GUESS_MS);
    return send(response, 401, loginPage(name, "Name or password is wrong."), "text/html");
  }
  await provider.interactionFinished(request, response, { login: { accountId: name } });
}

function send(response: ServerResponse, status: number, text: string, type: string): void {
  response
    .writeHead(status, {
      "content-type": `${type}; charset=utf-8`,
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    })
    .end(text);
}
