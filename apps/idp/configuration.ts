import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { ClientMetadata, Configuration, KoaContextWithOIDC } from "oidc-provider";
import type { Accounts, Client } from "./accounts.ts";
import { logoutPage } from "./pages.ts";

/** The API that tokens are for. */
const RESOURCE = "urn:shop";
const SCOPE = "read write";
const TOKEN_SECONDS = 600;
const DAY_SECONDS = 86_400;

/** Keys are made at each start, as a provider's change from time to time. */
export function configurationFor(accounts: Accounts, prefix: string): Configuration {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    clients: accounts.clients.map(metadataOf),
    jwks: {
      keys: [{ ...privateKey.export({ format: "jwk" }), kid: Date.now().toString(36), alg: "ES256", use: "sig" }],
    },
    // Its cookies are for nobody else on the same address.
    cookies: { keys: [randomBytes(32).toString("hex")], long: { path: prefix || "/" } },
    ttl: {
      ClientCredentials: TOKEN_SECONDS,
      AccessToken: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
      Interaction: TOKEN_SECONDS,
      Session: DAY_SECONDS,
      Grant: DAY_SECONDS,
      RefreshToken: DAY_SECONDS,
    },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    claims: { openid: ["sub", "groups"] },
    conformIdTokenClaims: false,
    findAccount: (_context, name) =>
      accounts.has(name)
        ? { accountId: name, claims: () => ({ sub: name, groups: [...accounts.groupsOf(name)] }) }
        : undefined,
    loadExistingGrant: grantAll,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed("refresh_token"),
    interactions: { url: (_context, { uid }) => `${prefix}/interaction/${uid}` },
    extraTokenClaims: (_context, token) => ({
      groups: accounts.groupsOf("accountId" in token ? token.accountId : token.clientId),
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = logoutPage(form);
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: "shop",
          scope: SCOPE,
          accessTokenFormat: "jwt",
          accessTokenTTL: TOKEN_SECONDS,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  };
}

const metadataOf = ({ id, secret, loginPath, logoutPath }: Client): ClientMetadata => ({
  client_id: id,
  client_secret: secret,
  grant_types: loginPath === undefined ? ["client_credentials"] : ["authorization_code", "refresh_token"],
  // Stand for their paths: see redirects.ts.
  redirect_uris: loginPath === undefined ? [] : [`http://localhost${loginPath}`],
  post_logout_redirect_uris: logoutPath === undefined ? [] : [`http://localhost${logoutPath}`],
  response_types: loginPath === undefined ? [] : ["code"],
  token_endpoint_auth_method: "client_secret_post",
});

/** All clients are the house's own: nobody is asked whether they may know who somebody is. */
async function grantAll({ oidc }: KoaContextWithOIDC) {
  const { client, session, provider, result } = oidc;
  const clientId = client?.clientId ?? "";
  const known = result?.consent?.grantId ?? session?.grantIdFor(clientId);
  if (known !== undefined) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId, accountId: session?.accountId ?? "" });
  grant.addOIDCScope("openid offline_access");
  grant.addResourceScope(RESOURCE, SCOPE);
  await grant.save();
  return grant;
}
