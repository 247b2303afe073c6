import { type ClaimRules, checkClaims, checkIssuer } from "./claims.ts";
import type { KeySet } from "./key-set.ts";
import { parseToken, type Token, TokenError } from "./token.ts";

export type Verdict =
  | { readonly good: true; readonly token: Token }
  | { readonly good: false; readonly error: TokenError };

/** Tokens whose signature was found good and that are remembered. */
const REMEMBERED = 500;
/** Longer ones are verified every time. */
const LONGEST_REMEMBERED = 4096;

/**
 * Judges tokens of one issuer. A signature is verified once for as long as its token is remembered; time is looked at each time, so
 * that a token that has ended meanwhile is refused.
 */
export class Verifier {
  readonly #rules: ClaimRules;
  readonly #keys: KeySet;
  readonly #now: () => number;
  /** Least recently used first. */
  readonly #verified = new Map<string, Token>();

  constructor(rules: ClaimRules, keys: KeySet, now: () => number = Date.now) {
    this.#rules = rules;
    this.#keys = keys;
    this.#now = now;
  }

  /** At once where the signature needs not be looked at, else later. Never rejects. */
  judge(text: string): Verdict | Promise<Verdict> {
    const known = this.#verified.get(text);
    try {
      const token = known ?? parseToken(text);
      checkIssuer(token, this.#rules);
      checkClaims(token, this.#rules, this.#now());
      return known === undefined ? this.#verify(token) : this.#remember(token);
    } catch (error) {
      return refused(error);
    }
  }

  async #verify(token: Token): Promise<Verdict> {
    try {
      await this.#keys.verify(token);
      return this.#remember(token);
    } catch (error) {
      return refused(error);
    }
  }

  #remember(token: Token): Verdict {
    if (token.text.length <= LONGEST_REMEMBERED) {
      this.#verified.delete(token.text);
      this.#verified.set(token.text, token);
      const [oldest] = this.#verified.keys();
      if (this.#verified.size > REMEMBERED && oldest !== undefined) this.#verified.delete(oldest);
    }
    return { good: true, token };
  }
}

function refused(error: unknown): Verdict {
  if (error instanceof TokenError) return { good: false, error };
  return { good: false, error: new TokenError("Jwt verification fails") };
}
