import { generateKeyPairSync } from "node:crypto";
import type { KeySource } from "../model/request-authentication.ts";
import { type FetchText, fetchText } from "./fetch-text.ts";

/** Source: Istio's PILOT_JWT_PUB_KEY_REFRESH_INTERVAL. */
const REFRESH_MS = 20 * 60_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

export interface KeySetsOptions {
  /** Some keys are others now. */
  readonly onChange: () => void;
  readonly fetch?: FetchText;
  readonly refreshMs?: number;
  readonly firstRetryMs?: number;
}

interface Fetched {
  readonly source: KeySource;
  timer: NodeJS.Timeout | undefined;
  retryMs: number;
  problem: string | undefined;
}

/**
 * The key sets (RFC 7517) that rules fetch from their issuers: fetched when they are first wanted, then again and again. When that
 * fails the former keys stay in force, and it is tried again soon.
 */
export class KeySets {
  readonly #options: KeySetsOptions;
  readonly #wanted = new Map<string, Fetched>();
  readonly #nobodys = nobodysKeys();
  #keys: ReadonlyMap<string, string> = new Map();

  constructor(options: KeySetsOptions) {
    this.#options = options;
  }

  /**
   * By the address of their source; until an issuer's own are there, a key that nobody has: its tokens are refused. The same map
   * until something changes.
   */
  get keys(): ReadonlyMap<string, string> {
    return this.#keys;
  }

  /** What could not be fetched, and why. */
  get problems(): readonly { readonly url: string; readonly message: string }[] {
    return [...this.#wanted.values()].flatMap(({ source: { url }, problem }) =>
      problem === undefined ? [] : [{ url, message: problem }],
    );
  }

  /** Fetches these from now on and no others. */
  want(sources: readonly KeySource[]): void {
    const urls = new Set(sources.map(({ url }) => url));
    for (const [url, { timer }] of this.#wanted) {
      if (urls.has(url)) continue;
      clearTimeout(timer);
      this.#wanted.delete(url);
      this.#set(url, undefined);
    }
    for (const source of sources) {
      if (this.#wanted.has(source.url)) continue;
      const retryMs = this.#options.firstRetryMs ?? FIRST_RETRY_MS;
      const fetched: Fetched = { source, timer: undefined, retryMs, problem: undefined };
      this.#wanted.set(source.url, fetched);
      this.#set(source.url, this.#nobodys);
      void this.#refresh(fetched);
    }
  }

  stop(): void {
    for (const { timer } of this.#wanted.values()) clearTimeout(timer);
    this.#wanted.clear();
  }

  async #refresh(one: Fetched): Promise<void> {
    const { url } = one.source;
    let delayMs: number;
    try {
      const text = await readKeys(one.source, this.#options.fetch ?? fetchText);
      if (this.#wanted.get(url) !== one) return;
      one.problem = undefined;
      one.retryMs = this.#options.firstRetryMs ?? FIRST_RETRY_MS;
      delayMs = this.#options.refreshMs ?? REFRESH_MS;
      if (this.#set(url, text)) this.#options.onChange();
    } catch (error) {
      if (this.#wanted.get(url) !== one) return;
      one.problem = error instanceof Error ? error.message : String(error);
      delayMs = one.retryMs;
      one.retryMs = Math.min(one.retryMs * 2, LAST_RETRY_MS);
    }
    one.timer = setTimeout(() => void this.#refresh(one), delayMs).unref();
  }

  #set(url: string, text: string | undefined): boolean {
    if (this.#keys.get(url) === text) return false;
    const keys = new Map(this.#keys);
    if (text === undefined) keys.delete(url);
    else keys.set(url, text);
    this.#keys = keys;
    return true;
  }
}

/** The private half is thrown away. */
function nobodysKeys(): string {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), alg: "ES256", kid: "unavailable" }] });
}

async function readKeys({ kind, url, timeoutMs }: KeySource, fetch: FetchText): Promise<string> {
  const address = kind === "keys" ? url : keysAddressOf(await fetch(discoveryOf(url), timeoutMs), url);
  const text = await fetch(address, timeoutMs);
  const value = parse(text, address);
  if (!("keys" in value) || !Array.isArray(value.keys) || value.keys.length === 0)
    throw new Error(`${address} holds no keys: {"keys": [...]} was expected`);
  return text;
}

const discoveryOf = (issuer: string): string => `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

function keysAddressOf(text: string, issuer: string): string {
  const value = parse(text, discoveryOf(issuer));
  if ("jwks_uri" in value && typeof value.jwks_uri === "string") return value.jwks_uri;
  throw new Error(`${discoveryOf(issuer)} names no jwks_uri`);
}

function parse(text: string, address: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // told below
  }
  throw new Error(`${address} did not answer with JSON`);
}
