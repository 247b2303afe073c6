import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider, { type ClientMetadata, type Configuration } from "oidc-provider";
import { numberFromEnv } from "../http.ts";

const usage = `usage: idp <issuer>   an identity provider (OpenID Connect) on $PORT (8080) for the clients in $CLIENTS_FILE,
                     a JSON list of {"id", "secret", "groups"}; each gets tokens of its own for the API "shop":
       POST /token   grant_type=client_credentials&client_id=…&client_secret=…&resource=urn:shop
       GET  /jwks    the keys that tokens are signed with`;

/** The API that tokens are for. */
const RESOURCE = "urn:shop";
const TOKEN_SECONDS = 600;

interface Client {
  readonly id: string;
  readonly secret: string;
  readonly groups: readonly string[];
}

const issuer = process.argv[2];
if (issuer === undefined || !URL.canParse(issuer)) {
  console.log(usage);
  process.exit(issuer === "--help" ? 0 : 64);
}
const clients = readClients(process.env.CLIENTS_FILE ?? "/etc/idp/clients.json");
const provider = new Provider(issuer, configurationFor(clients));
const port = numberFromEnv("PORT", 8080);
const handle = provider.callback();
const server = createServer((request, response) => {
  if (request.url === "/readyz") response.end("ready\n");
  else void handle(request, response);
});
server.listen(port, () =>
  console.log(`${issuer} answers on port ${port} for ${clients.map(({ id }) => id).join(", ")}`),
);
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });

function readClients(path: string): readonly Client[] {
  const list = JSON.parse(readFileSync(path, "utf8")) as readonly Client[];
  if (!Array.isArray(list) || list.some(({ id, secret }) => typeof id !== "string" || typeof secret !== "string"))
    throw new Error(`${path} is no list of {"id", "secret", "groups"}`);
  return list;
}

/** Programs log in as themselves; keys are made at each start, as a provider's change from time to time. */
function configurationFor(known: readonly Client[]): Configuration {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const metadata = known.map(
    ({ id, secret }): ClientMetadata => ({
      client_id: id,
      client_secret: secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_post",
    }),
  );
  return {
    clients: metadata,
    jwks: {
      keys: [{ ...privateKey.export({ format: "jwk" }), kid: Date.now().toString(36), alg: "ES256", use: "sig" }],
    },
    ttl: { ClientCredentials: TOKEN_SECONDS },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    extraTokenClaims: (_context, token) =>
      token.kind === "ClientCredentials" ? { groups: known.find(({ id }) => id === token.clientId)?.groups ?? [] } : {},
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          audience: "shop",
          scope: "read write",
          accessTokenFormat: "jwt",
          accessTokenTTL: TOKEN_SECONDS,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  };
}
