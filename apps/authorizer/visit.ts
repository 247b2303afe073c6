import type { IncomingMessage } from "node:http";

/** A request to the site that the authorizer is asked about. */
export interface Visit {
  readonly method: string;
  /** Path and query, as the browser asked for them. */
  readonly path: string;
  readonly url: URL;
  readonly secure: boolean;
  readonly cookies: ReadonlyMap<string, string>;
  /** A page that somebody looks at, not a call of a program. */
  readonly navigation: boolean;
  /** It comes from a page of the same site. */
  readonly sameOrigin: boolean;
}

/**
 * Reads what a proxy asks about: path and host are the request's own, below a prefix; the scheme is the proxy's word for it.
 * Undefined for what does not come from a check.
 */
export function visitOf(request: IncomingMessage, checkPrefix: string): Visit | undefined {
  const { headers, method = "GET" } = request;
  const raw = request.url ?? "/";
  if (!raw.startsWith(`${checkPrefix}/`)) return undefined;
  const path = raw.slice(checkPrefix.length);
  const secure = headers["x-forwarded-proto"] === "https";
  const origin = `${secure ? "https" : "http"}://${headers.host ?? ""}`;
  // Put together, not resolved: a path such as //evil.test/ must stay a path.
  if (!URL.canParse(origin + path)) return undefined;
  const url = new URL(origin + path);
  return {
    method,
    path,
    url,
    secure,
    cookies: parseCookies(headers.cookie ?? ""),
    navigation: isNavigation(request),
    sameOrigin: isSameOrigin(request, url.origin),
  };
}

/** Browsers say what they want a resource for (Fetch Metadata); those that do not are known by what they accept. */
function isNavigation({ method, headers }: IncomingMessage): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  if (headers["x-requested-with"] !== undefined) return false;
  const mode = headers["sec-fetch-mode"];
  if (mode !== undefined) return mode === "navigate";
  return /\btext\/html\b/.test(headers.accept ?? "");
}

function isSameOrigin({ headers }: IncomingMessage, origin: string): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  return headers.origin === origin;
}

function parseCookies(text: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) cookies.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  return cookies;
}

/** Where to go back to after logging in: a path of this very site, whatever was asked for. */
export const returnPath = ({ method, url }: Visit): string =>
  method === "GET" ? `/${url.pathname.replace(/^[/\\]+/, "")}${url.search}` : "/";
