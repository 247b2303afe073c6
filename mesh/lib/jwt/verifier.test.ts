import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeySet } from "./key-set.ts";
import { Verifier } from "./verifier.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const seconds = now / 1000;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ec384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const secret = Buffer.from("0123456789abcdef0123456789abcdef");

const jwk = (key: KeyObject, kid: string, rest: object = {}) => ({ ...key.export({ format: "jwk" }), kid, ...rest });
const keys = new KeySet(
  JSON.stringify({
    keys: [
      jwk(rsa.publicKey, "rsa", { alg: "RS256" }),
      jwk(ec.publicKey, "ec"),
      jwk(ed.publicKey, "ed"),
      { kty: "oct", kid: "oct", k: secret.toString("base64url") },
      jwk(stranger.publicKey, "enc", { use: "enc" }),
    ],
  }),
);

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { iss: "https://idp", sub: "ann", aud: ["shop"], exp: seconds + 600 };

function signed(header: Readonly<Record<string, unknown>>, key: KeyObject | Buffer, payload: unknown = claims): string {
  const content = `${encode(header)}.${encode(payload)}`;
  const bytes = Buffer.from(content);
  const signature = Buffer.isBuffer(key)
    ? createHmac("sha256", key).update(bytes).digest()
    : sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, { key, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

const verifier = (at = now): Verifier =>
  new Verifier({ issuer: "https://idp", audiences: ["shop", "api"], clockSkewSeconds: 60 }, keys, () => at);
const judge = async (token: string): Promise<string> => {
  const verdict = await verifier().judge(token);
  return verdict.good ? "good" : verdict.error.message;
};
const rs = { alg: "RS256", kid: "rsa" };
const good = signed(rs, rsa.privateKey);

describe("signatures", () => {
  test.each<[string, string, string]>([
    ["RS256", good, "good"],
    ["RS256 without naming a key", signed({ alg: "RS256" }, rsa.privateKey), "good"],
    ["ES256", signed({ alg: "ES256", kid: "ec" }, ec.privateKey), "good"],
    ["EdDSA", signed({ alg: "EdDSA", kid: "ed" }, ed.privateKey), "good"],
    ["HS256 with the issuer's secret", signed({ alg: "HS256", kid: "oct" }, secret), "good"],
    ["somebody else's key", signed(rs, stranger.privateKey), "Jwt verification fails"],
    [
      "a key that is not for signatures",
      signed({ alg: "RS256", kid: "enc" }, stranger.privateKey),
      "Jwks doesn't have key to match kid or alg from Jwt",
    ],
    [
      "a key that there is not",
      signed({ alg: "RS256", kid: "../rsa" }, rsa.privateKey),
      "Jwks doesn't have key to match kid or alg from Jwt",
    ],
    [
      "the public key taken for a secret",
      signed({ alg: "HS256", kid: "rsa" }, Buffer.from(rsa.publicKey.export({ type: "spki", format: "pem" }))),
      "Jwks doesn't have key to match kid or alg from Jwt",
    ],
    [
      "another algorithm than the key's",
      signed({ alg: "PS256", kid: "rsa" }, rsa.privateKey),
      "Jwks doesn't have key to match kid or alg from Jwt",
    ],
    [
      "another curve than the algorithm's",
      signed({ alg: "ES384", kid: "ec" }, ec384.privateKey),
      "Jwks doesn't have key to match kid or alg from Jwt",
    ],
    ["no signature", `${encode({ alg: "none" })}.${encode(claims)}.`, "Jwt is not in the form"],
    ["the algorithm none", signed({ alg: "none" }, rsa.privateKey), "Jwt header [alg] is not supported"],
    ["the algorithm nOnE", signed({ alg: "nOnE" }, rsa.privateKey), "Jwt header [alg] is not supported"],
    ["no algorithm", signed({ kid: "rsa" }, rsa.privateKey), "Jwt header [alg] field is required"],
    ["a key as a number", signed({ alg: "RS256", kid: 7 }, rsa.privateKey), "Jwt header [kid] field is not a string"],
    [
      "a key that it brings along",
      signed({ ...rs, jwk: jwk(stranger.publicKey, "rsa") }, stranger.privateKey),
      "fails",
    ],
    ["an extension to be understood", signed({ ...rs, crit: ["b64"], b64: false }, rsa.privateKey), "[crit]"],
    ["claims that were changed", good.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: "root" })}.`), "fails"],
    ["a fourth part", `${good}.x`, "Jwt is not in the form"],
    ["padding", `${good}=`, "Jwt signature is an invalid Base64url"],
    ["nothing", "", "Jwt is not in the form"],
    ["a header that is no JSON", `e30x.${encode(claims)}.x`, "Jwt header is an invalid JSON"],
    ["a payload that is a list", signed(rs, rsa.privateKey, [1]), "Jwt payload is an invalid JSON"],
  ])("%s", async (_, token, message) => {
    expect(await judge(token)).toContain(message);
  });
});

describe("claims", () => {
  test.each<[string, object, string]>([
    ["another issuer", { iss: "https://evil" }, "Jwt issuer is not configured"],
    ["an issuer with a slash more", { iss: "https://idp/" }, "Jwt issuer is not configured"],
    ["no issuer", { iss: undefined }, "Jwt issuer is not configured"],
    ["an issuer that is a list", { iss: ["https://idp"] }, "[iss] field is not a string"],
    ["ended", { exp: seconds - 61 }, "Jwt is expired"],
    ["ended within the clocks' difference", { exp: seconds - 59 }, "good"],
    ["never ending", { exp: undefined }, "good"],
    ["an end that is text", { exp: "9999999999" }, "[exp] field is not an integer"],
    ["not begun", { nbf: seconds + 61 }, "Jwt not yet valid"],
    ["begun within the clocks' difference", { nbf: seconds + 59 }, "good"],
    ["for others", { aud: "billing" }, "Audiences in Jwt are not allowed"],
    ["for us among others", { aud: ["billing", "api"] }, "good"],
    ["for us with a scheme", { aud: "https://shop/" }, "good"],
    ["for nobody in particular", { aud: undefined }, "Audiences in Jwt are not allowed"],
    ["an audience that is a number", { aud: 7 }, "[aud] field is not a string"],
  ])("%s", async (_, change, message) => {
    expect(await judge(signed(rs, rsa.privateKey, { ...claims, ...change }))).toContain(message);
  });
});

test("a token that was verified is judged at once, until it ends", async () => {
  let at = now;
  const one = new Verifier({ issuer: "https://idp", audiences: [], clockSkewSeconds: 60 }, keys, () => at);
  expect(one.judge(good)).toBeInstanceOf(Promise);
  expect(await one.judge(good)).toMatchObject({ good: true, token: { payload: { sub: "ann" } } });
  expect(one.judge(good)).toMatchObject({ good: true });
  at += 11 * 60_000 + 1;
  expect(one.judge(good)).toMatchObject({ good: false, error: { message: "Jwt is expired" } });
});

test("a key set that cannot be read lets nobody in", async () => {
  const one = new Verifier({ issuer: "", audiences: [], clockSkewSeconds: 0 }, new KeySet("<html>"), () => now);
  expect(await one.judge(good)).toMatchObject({ good: false });
});
