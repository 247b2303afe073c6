import { parseObject } from "./json-object.ts";

/** Why a token is not good, in Envoy's words: they are what clients and logs show. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** A token in its parts; nothing of it is proven yet. */
export interface Token {
  readonly text: string;
  readonly algorithm: string;
  /** Empty if it names no key. */
  readonly keyId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** As it stands in the token: base64url without padding. */
  readonly encodedPayload: string;
}

const parts = /^([^.]+)\.([^.]+)\.([^.]+)$/;
/** Without padding (RFC 7515 2). One character says nothing: four of them stand for three bytes. */
const isBase64 = (text: string): boolean => /^[\w-]+$/.test(text) && text.length % 4 !== 1;
/** Asymmetric and keyed-hash signatures of RFC 7518 and RFC 8037; `none` is not among them. */
const algorithms: ReadonlySet<string> = new Set(
  ["RS", "PS", "ES", "HS"].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`)).concat("EdDSA"),
);

/** Reads a JWS in compact form (RFC 7515 7.1) with a JSON payload (RFC 7519). Throws TokenError. */
export function parseToken(text: string): Token {
  const [, header = "", encodedPayload = "", signature = ""] = parts.exec(text) ?? [];
  if (header === "")
    throw new TokenError("Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections");
  const { alg, kid, crit } = jsonOf(header, "header");
  if (typeof alg !== "string") throw new TokenError("Jwt header [alg] field is required and must be a string");
  if (!algorithms.has(alg)) throw new TokenError("Jwt header [alg] is not supported");
  if (kid !== undefined && typeof kid !== "string") throw new TokenError("Jwt header [kid] field is not a string");
  // RFC 7515 4.1.11: what must be understood and is not makes the token invalid; no extension is known here.
  if (crit !== undefined) throw new TokenError("Jwt header [crit] field is not supported");
  const payload = jsonOf(encodedPayload, "payload");
  if (!isBase64(signature)) throw new TokenError("Jwt signature is an invalid Base64url encoded");
  return { text, algorithm: alg, keyId: kid ?? "", payload, encodedPayload };
}

function jsonOf(encoded: string, part: "header" | "payload"): Readonly<Record<string, unknown>> {
  if (!isBase64(encoded)) throw new TokenError(`Jwt ${part} is an invalid Base64url encoded`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(encoded, "base64url"));
    const value = parseObject(text);
    if (value !== undefined) return value;
  } catch {
    // told below
  }
  throw new TokenError(`Jwt ${part} is an invalid JSON`);
}
