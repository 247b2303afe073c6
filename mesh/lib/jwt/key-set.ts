import type { JWK } from "jose";
import { z } from "zod";
import { type Token, TokenError } from "./token.ts";

const isText = (value: unknown): boolean => value === undefined || typeof value === "string";
const isKey = (value: unknown): boolean => {
  const { kty, kid, alg, crv, use } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof kty === "string" && [kid, alg, crv, use].every(isText);
};
const keySet = z.object({ keys: z.array(z.custom<JWK>(isKey)) });

type Verify = (token: string) => Promise<boolean>;

const curves: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };

/** An issuer's keys (RFC 7517). They are made ready when a token first needs them. */
export class KeySet {
  readonly #keys: readonly JWK[];
  readonly #ready = new Map<string, Promise<Verify>>();

  /** @param text what is no key set has no keys: then no token is good */
  constructor(text: string) {
    this.#keys = keysOf(text);
  }

  /** Resolves when one of the keys has signed the token. Rejects with TokenError. */
  async verify(token: Token): Promise<void> {
    const candidates = this.#keys.filter((key) => mayHaveSigned(key, token));
    if (candidates.length === 0) throw new TokenError("Jwks doesn't have key to match kid or alg from Jwt");
    for (const key of candidates) {
      const verify = await this.#readied(key, token.algorithm);
      if (await verify(token.text)) return;
    }
    throw new TokenError("Jwt verification fails");
  }

  #readied(key: JWK, algorithm: string): Promise<Verify> {
    const name = `${this.#keys.indexOf(key)} ${algorithm}`;
    const known = this.#ready.get(name);
    if (known !== undefined) return known;
    const fresh = readyKey(key, algorithm);
    this.#ready.set(name, fresh);
    return fresh;
  }
}

function keysOf(text: string): readonly JWK[] {
  try {
    return keySet.parse(JSON.parse(text)).keys.filter(({ use }) => use === undefined || use === "sig");
  } catch {
    return [];
  }
}

/** A key signs with algorithms of its own kind only: nobody's public key serves as a secret (RFC 8725 3.1). */
function mayHaveSigned(key: JWK, { algorithm, keyId }: Token): boolean {
  if (keyId !== "" && key.kid !== undefined && key.kid !== keyId) return false;
  if (key.alg !== undefined && key.alg !== algorithm) return false;
  switch (key.kty) {
    case "RSA":
      return /^[RP]S/.test(algorithm);
    case "EC":
      return key.crv !== undefined && key.crv === curves[algorithm];
    case "OKP":
      return algorithm === "EdDSA" && key.crv === "Ed25519";
    case "oct":
      return algorithm.startsWith("HS");
    default:
      return false;
  }
}

/** A key that cannot be used has signed nothing. */
async function readyKey(jwk: JWK, algorithm: string): Promise<Verify> {
  // Loaded when first needed: most proxies never see a token.
  const { compactVerify, importJWK } = await import("jose");
  try {
    const key = await importJWK(jwk, algorithm);
    return (token) =>
      compactVerify(token, key, { algorithms: [algorithm] }).then(
        () => true,
        () => false,
      );
  } catch {
    return async () => false;
  }
}
