import { type Token, TokenError } from "./token.ts";

/** The caller's token is good, but for others. */
export class AudienceError extends TokenError {}

/** The token is of somebody else: other issuers' keys may fit. */
export class IssuerError extends TokenError {}

export interface ClaimRules {
  /** Empty for any. */
  readonly issuer: string;
  /** Empty for any. */
  readonly audiences: readonly string[];
  readonly clockSkewSeconds: number;
}

/** Whether the token is of this issuer, so that its keys are asked at all. Throws TokenError. */
export function checkIssuer({ payload }: Token, { issuer }: ClaimRules): void {
  for (const claim of ["iss", "sub", "jti"]) {
    const value = payload[claim];
    if (value !== undefined && typeof value !== "string")
      throw new TokenError(`Jwt payload [${claim}] field is not a string`);
  }
  const { iss } = payload;
  if (issuer !== "" && iss !== issuer) throw new IssuerError("Jwt issuer is not configured");
}

/**
 * Time and audience. Source: RFC 7519 4.1.3 to 4.1.5; a token without the claim is not limited by it, but one without an audience
 * is for nobody in particular and so not for those who insist. Throws TokenError.
 * @param now milliseconds since the epoch
 */
export function checkClaims({ payload }: Token, { audiences, clockSkewSeconds }: ClaimRules, now: number): void {
  const seconds = now / 1000;
  const expires = numberOf(payload, "exp");
  const begins = numberOf(payload, "nbf");
  numberOf(payload, "iat");
  if (begins !== undefined && seconds + clockSkewSeconds < begins) throw new TokenError("Jwt not yet valid");
  if (expires !== undefined && seconds > expires + clockSkewSeconds) throw new TokenError("Jwt is expired");
  if (audiences.length === 0) return;
  if (!audiencesOf(payload.aud).some((audience) => audiences.some((one) => sameAudience(one, audience))))
    throw new AudienceError("Audiences in Jwt are not allowed");
}

function numberOf(payload: Token["payload"], claim: "exp" | "nbf" | "iat"): number | undefined {
  const value = payload[claim];
  if (value === undefined) return undefined;
  if (typeof value !== "number") throw new TokenError(`Jwt payload [${claim}] field is not an integer`);
  if (!Number.isFinite(value) || value < 0)
    throw new TokenError(`Jwt payload [${claim}] field is not a positive 64 bit integer`);
  return value;
}

function audiencesOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((one) => typeof one === "string"))
    throw new TokenError("Jwt payload [aud] field is not a string or string list");
  return list as readonly string[];
}

/** Envoy takes an audience with and without scheme and last slash for the same. */
const sameAudience = (a: string, b: string): boolean => bare(a) === bare(b);
const bare = (audience: string): string => audience.replace(/^https?:\/\//, "").replace(/\/$/, "");
