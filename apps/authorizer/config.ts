import { readFileSync } from "node:fs";

/** What the authorizer is told by its environment. */
export interface AuthorizerConfig {
  /** Of the OpenID provider; its configuration is found below it (OpenID Connect Discovery 1.0). */
  readonly issuer: URL;
  /** Where we reach it, if elsewhere than at its issuer; undefined if there. */
  readonly internalIssuer: URL | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /**
   * Where browsers reach the provider, if elsewhere than at its issuer: an address, or a path of the site that they are on. Undefined
   * where they reach it as we do.
   */
  readonly browserIssuer: string | undefined;
  /** Which of its tokens the services get. */
  readonly token: "access" | "id";
  /** Below this path of the site are the authorizer's own pages. */
  readonly pages: string;
  /** In front of the path of what is asked about; the provider's pathPrefix in MeshConfig. */
  readonly checkPrefix: string;
  readonly cookie: string;
  /** Sessions are encrypted with it; undefined for one of this process. */
  readonly secret: string | undefined;
  readonly sessionHours: number;
}

export const usage = `usage: authorizer   logs people in at an OpenID provider, as an external authorizer (ext_authz over HTTP) on $PORT (8080)
  ISSUER            of the provider, such as http://idp.identity/idp
  INTERNAL_ISSUER   where the authorizer reaches the provider, if not at ISSUER
  CLIENT_ID, CLIENT_SECRET or CLIENT_SECRET_FILE
  SCOPE             openid offline_access
  BROWSER_ISSUER    where browsers reach the provider, if not at ISSUER: an address, or a path of the same site
  TOKEN             access or id: which of its tokens the services get
  PAGES             /_login: below it are /callback, /logout and /goodbye
  CHECK_PREFIX      /check: the pathPrefix of the extension provider
  COOKIE            session
  SESSION_SECRET or SESSION_SECRET_FILE   at least 32 characters; without it sessions end with the process
  SESSION_HOURS     8`;

/** Reads the environment. Throws an error that names the variable that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): AuthorizerConfig {
  const secret = fromFile(env, "SESSION_SECRET");
  if (secret !== undefined && secret.length < 32) throw new Error("SESSION_SECRET is shorter than 32 characters");
  const token = env.TOKEN ?? "access";
  if (token !== "access" && token !== "id") throw new Error(`TOKEN must be access or id, not "${token}"`);
  const hours = Number(env.SESSION_HOURS ?? 8);
  if (!(hours > 0)) throw new Error("SESSION_HOURS must be a number above 0");
  const cookie = env.COOKIE ?? "session";
  if (!/^[\w-]+$/.test(cookie)) throw new Error("COOKIE is made of letters, digits, - and _");
  return {
    issuer: addressOf(required(env, "ISSUER"), "ISSUER"),
    internalIssuer: env.INTERNAL_ISSUER ? addressOf(env.INTERNAL_ISSUER, "INTERNAL_ISSUER") : undefined,
    clientId: required(env, "CLIENT_ID"),
    clientSecret: fromFile(env, "CLIENT_SECRET") ?? required(env, "CLIENT_SECRET"),
    scope: env.SCOPE ?? "openid offline_access",
    browserIssuer: browserIssuerOf(env.BROWSER_ISSUER),
    token,
    pages: pathOf(env.PAGES ?? "/_login", "PAGES"),
    checkPrefix: pathOf(env.CHECK_PREFIX ?? "/check", "CHECK_PREFIX"),
    cookie,
    secret,
    sessionHours: hours,
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** A secret from the environment or from the file that NAME_FILE names. */
function fromFile(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  return file === undefined || file === "" ? env[name] || undefined : readFileSync(file, "utf8").trim();
}

function addressOf(text: string, name: string): URL {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new Error(`${name} "${text}" is no address with http or https`);
  return new URL(text);
}

function browserIssuerOf(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (text.startsWith("/")) return pathOf(text, "BROWSER_ISSUER");
  if (!URL.canParse(text)) throw new Error(`BROWSER_ISSUER "${text}" is neither an address nor a path`);
  return text.replace(/\/$/, "");
}

function pathOf(text: string, name: string): string {
  if (!/^\/[\w./-]*$/.test(text) || text.startsWith("//")) throw new Error(`${name} "${text}" is no path`);
  return text.replace(/\/$/, "");
}
