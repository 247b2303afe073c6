import { createHash } from "node:crypto";
import type { AuthorizerConfig } from "./config.ts";
import { logoutPage, messagePage } from "./pages.ts";
import { type Begun, type Provider, reasonOf, type Tokens } from "./provider.ts";
import type { CookieOptions, SealedCookies } from "./sealed-cookie.ts";
import { returnPath, type Visit } from "./visit.ts";

/** What the proxy is answered: 200 lets the visit in, all else is the browser's answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

/** A login that was begun has this long to be completed. */
const LOGIN_SECONDS = 600;
/** Tokens are refreshed when they have less left. */
const MARGIN_SECONDS = 20;

/** Lets in who is logged in, and logs in who is not. */
export class Gatekeeper {
  readonly #config: AuthorizerConfig;
  readonly #provider: Provider;
  readonly #cookies: SealedCookies;
  readonly #session: CookieOptions;

  constructor(config: AuthorizerConfig, provider: Provider, cookies: SealedCookies) {
    this.#config = config;
    this.#provider = provider;
    this.#cookies = cookies;
    this.#session = { name: config.cookie, path: "/", seconds: config.sessionHours * 3600 };
  }

  /** Rejects where the provider is needed and does not answer. */
  answer(visit: Visit): Promise<Answer> {
    const { pages } = this.#config;
    switch (visit.url.pathname) {
      case `${pages}/callback`:
        return this.#callback(visit);
      case `${pages}/logout`:
        return this.#logout(visit);
      case `${pages}/goodbye`:
        return Promise.resolve(page(PAGE, messagePage("You are logged out.", "Log in again", "/")));
      default:
        return this.#admit(visit);
    }
  }

  async #admit(visit: Visit): Promise<Answer> {
    const tokens = await this.#tokensOf(visit);
    if (tokens === undefined) return this.#toLogin(visit);
    if (tokens.ends - MARGIN_SECONDS > Date.now() / 1000) return this.#letIn(visit, tokens, []);
    if (tokens.refresh === undefined) return this.#toLogin(visit);
    const fresh = await this.#provider.refresh({ ...tokens, refresh: tokens.refresh });
    if (fresh === undefined) return this.#toLogin(visit);
    return this.#letIn(visit, fresh, await this.#cookies.seal({ ...fresh }, this.#session, visit));
  }

  async #tokensOf(visit: Visit): Promise<Tokens | undefined> {
    const value = await this.#cookies.open(this.#session, visit);
    if (typeof value?.access !== "string" || typeof value.id !== "string" || typeof value.ends !== "number")
      return undefined;
    const refresh = typeof value.refresh === "string" ? value.refresh : undefined;
    return { access: value.access, id: value.id, refresh, ends: value.ends };
  }

  /** The services get the token, and none of our cookies. */
  #letIn(visit: Visit, tokens: Tokens, setCookie: string[]): Answer {
    const others = this.#cookies.others([this.#config.cookie], visit);
    const token = this.#config.token === "id" ? tokens.id : tokens.access;
    const headers = {
      authorization: `Bearer ${token}`,
      ...(others === "" ? { "x-envoy-auth-headers-to-remove": "cookie" } : { cookie: others }),
      ...(setCookie.length === 0 ? {} : { "set-cookie": setCookie }),
    };
    return { status: 200, headers, body: "" };
  }

  /** A page is led to the provider; a program is told that it is not logged in, since it could do nothing with a login page. */
  async #toLogin(visit: Visit): Promise<Answer> {
    if (!visit.navigation) {
      const headers = { "content-type": "application/json", "www-authenticate": "Bearer", ...uncached };
      return { status: 401, headers, body: '{"error":"not logged in"}\n' };
    }
    const { begun, location } = await this.#provider.begin(this.#page(visit, "callback"));
    const value = { ...begun, returnTo: returnPath(visit) };
    const setCookie = await this.#cookies.seal(value, this.#loginCookie(begun.state), visit);
    return redirect(location.href, setCookie);
  }

  /** Each login that was begun has a cookie of its own, so that two tabs do not disturb each other. */
  #loginCookie(state: string): CookieOptions {
    const name = `${this.#config.cookie}-${createHash("sha256").update(state).digest("hex").slice(0, 16)}`;
    return { name, path: `${this.#config.pages}/callback`, seconds: LOGIN_SECONDS };
  }

  #page = (visit: Visit, name: string): URL => new URL(`${visit.url.origin}${this.#config.pages}/${name}`);

  /** Only the browser that began a login may complete it: it has the cookie to the state. */
  async #callback(visit: Visit): Promise<Answer> {
    const state = visit.url.searchParams.get("state") ?? "";
    const cookie = this.#loginCookie(state);
    const kept = await this.#cookies.open(cookie, visit);
    if (kept?.state !== state || !isBegun(kept))
      return page(400, messagePage("This login was not begun here, or took too long.", "Try again", "/"));
    const forget = this.#cookies.forget(cookie, visit);
    const returnTo = typeof kept.returnTo === "string" ? kept.returnTo : "/";
    try {
      const tokens = await this.#provider.complete(visit.url, kept);
      const session = await this.#cookies.seal({ ...tokens }, this.#session, visit);
      return redirect(returnTo, [...forget, ...session]);
    } catch (error) {
      const text = messagePage(`The login failed: ${reasonOf(error)}.`, "Try again", returnTo);
      return page(403, text, forget);
    }
  }

  /** Only by a form of this site: no other site can log anybody out. */
  async #logout(visit: Visit): Promise<Answer> {
    if (visit.method === "GET") return page(PAGE, logoutPage(`${this.#config.pages}/logout`));
    if (visit.method !== "POST" || !visit.sameOrigin)
      return page(403, messagePage("Log out on the page itself.", "Log out", `${this.#config.pages}/logout`));
    const tokens = await this.#tokensOf(visit);
    const goodbye = this.#page(visit, "goodbye");
    const location = tokens === undefined ? undefined : this.#provider.end(tokens.id, goodbye);
    return redirect((location ?? goodbye).href, this.#cookies.forget(this.#session, visit), 303);
  }
}

const isBegun = (value: Record<string, unknown>): value is Record<string, unknown> & Begun =>
  typeof value.state === "string" && typeof value.nonce === "string" && typeof value.verifier === "string";

/** Of our own pages: 200 would let the visit in. It says that not the site itself answers (RFC 9110 15.3.4). */
const PAGE = 203;

/** Nothing of a login may be kept by a cache. */
const uncached = { "cache-control": "no-store" };

const redirect = (location: string, setCookie: string[], status = 302): Answer => ({
  status,
  headers: { location, ...uncached, ...(setCookie.length === 0 ? {} : { "set-cookie": setCookie }) },
  body: "",
});

const page = (status: number, body: string, setCookie: string[] = []): Answer => ({
  status,
  headers: {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action *; frame-ancestors 'none'",
    ...uncached,
    ...(setCookie.length === 0 ? {} : { "set-cookie": setCookie }),
  },
  body,
});
