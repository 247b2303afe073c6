import { setTimeout as delay } from "node:timers/promises";
import * as client from "openid-client";
import type { AuthorizerConfig } from "./config.ts";

/** What a login gave. */
export interface Tokens {
  readonly access: string;
  readonly id: string;
  readonly refresh: string | undefined;
  /** Seconds since the epoch. */
  readonly ends: number;
}

/** What has to be remembered of a login that was begun. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Refreshed tokens are given to all requests that come with the old ones for this long: a page asks for many things at once. */
const SHARED_MS = 10_000;

/** The OpenID provider, by authorization code with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0). */
export class Provider {
  readonly #config: AuthorizerConfig;
  readonly #refreshing = new Map<string, Promise<Tokens | undefined>>();
  #client: client.Configuration | undefined;

  constructor(config: AuthorizerConfig) {
    this.#config = config;
  }

  get ready(): boolean {
    return this.#client !== undefined;
  }

  /** Asks the provider for its configuration until it answers. */
  async discover(log: (line: string) => void): Promise<void> {
    const { issuer, internalIssuer, clientId, clientSecret } = this.#config;
    const reached = internalIssuer ?? issuer;
    // A provider without TLS is for a lab: said aloud, not forbidden.
    if (reached.protocol === "http:") log(`${reached} is reached without TLS: whoever listens there can read tokens`);
    const insecure = reached.protocol === "http:" || issuer.protocol === "http:";
    for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        this.#client = await client.discovery(issuer, clientId, clientSecret, undefined, {
          timeout: 10,
          ...(insecure ? { execute: [client.allowInsecureRequests] } : {}),
          ...(internalIssuer === undefined ? {} : { [client.customFetch]: fetchInside(issuer, internalIssuer) }),
        });
        log(`${issuer} is the provider`);
        return;
      } catch (error) {
        log(`${issuer} does not answer yet: ${reasonOf(error)}`);
        await delay(waitMs);
      }
    }
  }

  /** Where the browser goes to log in. */
  async begin(redirect: URL): Promise<{ readonly begun: Begun; readonly location: URL }> {
    const begun: Begun = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const location = client.buildAuthorizationUrl(this.#known, {
      redirect_uri: redirect.href,
      scope: this.#config.scope,
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: "S256",
    });
    return { begun, location: this.#forBrowser(location, redirect.origin) };
  }

  /** Exchanges the code that the browser brought; its ID token is verified. Rejects with the reason. */
  async complete(callback: URL, begun: Begun): Promise<Tokens> {
    const answer = await client.authorizationCodeGrant(this.#known, callback, {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    return tokensOf(answer, undefined);
  }

  /** New tokens for a refresh token; undefined when the provider gives none any more. */
  refresh(tokens: Tokens & { readonly refresh: string }): Promise<Tokens | undefined> {
    const { refresh } = tokens;
    const running = this.#refreshing.get(refresh);
    if (running !== undefined) return running;
    const asked = client.refreshTokenGrant(this.#known, refresh).then(
      (answer) => tokensOf(answer, tokens),
      (error: unknown) => {
        // A refusal ends the session; a provider that is away does not.
        if (error instanceof client.ResponseBodyError) return undefined;
        throw error;
      },
    );
    this.#refreshing.set(refresh, asked);
    const forget = (): void => void setTimeout(() => this.#refreshing.delete(refresh), SHARED_MS).unref();
    asked.then(forget, () => this.#refreshing.delete(refresh));
    return asked;
  }

  /** Where the browser goes to log out there too; undefined where the provider has no such place. Source: OpenID Connect RP-Initiated Logout 1.0. */
  end(idToken: string, back: URL): URL | undefined {
    if (this.#known.serverMetadata().end_session_endpoint === undefined) return undefined;
    const location = client.buildEndSessionUrl(this.#known, {
      id_token_hint: idToken,
      post_logout_redirect_uri: back.href,
    });
    return this.#forBrowser(location, back.origin);
  }

  get #known(): client.Configuration {
    if (this.#client === undefined) throw new Error("the provider has not answered yet");
    return this.#client;
  }

  /** The provider's address as browsers know it. */
  #forBrowser(location: URL, origin: string): URL {
    const { browserIssuer, issuer } = this.#config;
    const inside = bare(issuer);
    if (browserIssuer === undefined || !location.href.startsWith(inside)) return location;
    return new URL((browserIssuer.startsWith("/") ? origin : "") + browserIssuer + location.href.slice(inside.length));
  }
}

const bare = (issuer: URL): string => issuer.href.replace(/\/$/, "");

/** Calls what stands below the issuer where it is reached from here. */
function fetchInside(issuer: URL, internal: URL): client.CustomFetch {
  return (url, options) => {
    const inside = url.startsWith(bare(issuer)) ? bare(internal) + url.slice(bare(issuer).length) : url;
    return fetch(inside, options as RequestInit);
  };
}

type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/** A provider may keep the refresh token, and leaves out what has not changed. */
const tokensOf = (answer: Answer, before: Tokens | undefined): Tokens => ({
  access: answer.access_token,
  id: answer.id_token ?? before?.id ?? "",
  refresh: answer.refresh_token ?? before?.refresh,
  ends: Math.floor(Date.now() / 1000) + (answer.expiresIn() ?? 300),
});

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
