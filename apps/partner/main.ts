import { TLSSocket } from "node:tls";
import { type Handler, numberFromEnv, sendJson, serve } from "../http.ts";
import { issue, makeAuthority } from "../pki/authority.ts";
import { writeSecret } from "../pki/secret.ts";

const usage = `usage: partner <host>   a service outside of the mesh, on $PORT (8080) in plain text and on $TLS_PORT (8443) with a certificate
                        for the host by an authority of its own, whose root goes into the secrets $ROOT_SECRETS (namespace/name …)
       GET /offers      for everybody
       GET /accounts    over TLS only
       GET /calls       who called last`;

/** One request, as the partner saw it. */
interface Call {
  readonly time: string;
  readonly from: string;
  readonly tls: boolean;
  readonly serverName: string | undefined;
  readonly path: string;
  readonly userAgent: string | undefined;
}

const KEPT = 100;
const host = process.argv[2];
if (host === undefined || host.startsWith("-")) {
  console.log(usage);
  process.exit(host === undefined ? 64 : 0);
}
const calls: Call[] = [];
let published = false;

const handle: Handler = (request, response, url) => {
  request.resume();
  if (url.pathname === "/readyz") return sendJson(response, published ? 200 : 503, { ready: published });
  const { socket } = request;
  const secure = socket instanceof TLSSocket ? socket : undefined;
  const serverName = secure?.servername || undefined;
  const call: Call = {
    time: new Date().toISOString(),
    from: socket.remoteAddress ?? "",
    tls: secure !== undefined,
    serverName,
    path: url.pathname,
    userAgent: request.headers["user-agent"],
  };
  console.log(
    `${call.time} ${call.from} called ${call.path} ${call.tls ? `over TLS as ${serverName ?? "nobody"}` : "in plain text"}`,
  );
  calls.push(call);
  if (calls.length > KEPT) calls.shift();
  switch (url.pathname) {
    case "/offers":
      return sendJson(response, 200, { service: "partner", offers: [{ id: "insurance", price: 990 }], call });
    case "/accounts":
      return call.tls
        ? sendJson(response, 200, { service: "partner", accounts: [{ id: "shop", balance: 120_000 }], call })
        : sendJson(response, 403, { error: "accounts are shown over TLS only" });
    case "/calls":
      return sendJson(response, 200, { calls: calls.toReversed() });
    default:
      return sendJson(response, 404, { error: `there is no ${url.pathname}` });
  }
};

const authority = await makeAuthority("Partner Root CA");
const { cert, key } = await issue(authority, { name: host });
serve(numberFromEnv("PORT", 8080), handle);
serve(numberFromEnv("TLS_PORT", 8443), handle, { cert, key });
const secrets = (process.env.ROOT_SECRETS ?? "").split(/\s+/).filter(Boolean);
// What partners do by mail.
await Promise.all(secrets.map((secret) => writeSecret(secret, { "ca.crt": authority.cert })));
published = true;
