import { numberFromEnv, sendJson, serve } from "../http.ts";
import { type AuthorizerConfig, readConfig, usage } from "./config.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { Provider, reasonOf } from "./provider.ts";
import { SealedCookies } from "./sealed-cookie.ts";
import { visitOf } from "./visit.ts";

if (process.argv.length > 2) {
  console.log(usage);
  process.exit(process.argv[2] === "--help" ? 0 : 64);
}
const config = configured();
const provider = new Provider(config);
const gatekeeper = new Gatekeeper(config, provider, new SealedCookies(config.secret));
if (config.secret === undefined) console.log("SESSION_SECRET is not set: sessions end with this process");
void provider.discover((line) => console.log(line));

serve(numberFromEnv("PORT", 8080), async (request, response, url) => {
  request.resume();
  if (url.pathname === "/healthz") return sendJson(response, 200, { alive: true });
  if (url.pathname === "/readyz") return sendJson(response, provider.ready ? 200 : 503, { ready: provider.ready });
  const visit = visitOf(request, config.checkPrefix);
  if (visit === undefined) return sendJson(response, 404, { error: `checks come below ${config.checkPrefix}/` });
  try {
    const { status, headers, body } = await gatekeeper.answer(visit);
    response.writeHead(status, headers).end(visit.method === "HEAD" ? undefined : body);
  } catch (error) {
    // 5xx is a failure for the proxy, not an answer: what follows is its provider's failOpen and statusOnError.
    console.error(`${visit.method} ${visit.url.pathname}: ${reasonOf(error)}`);
    sendJson(response, 503, { error: "the identity provider does not answer" });
  }
});

function configured(): AuthorizerConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error(`authorizer: ${reasonOf(error)}\n\n${usage}`);
    process.exit(64);
  }
}
