import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { SignJWT } from "jose";
import type { KubeObject } from "#api/kinds/object.ts";
import { gatewayLabels } from "./mesh-objects.ts";

const ISSUER = "https://idp.example.com";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256" }] });

function policy(kind: string, name: string, spec: object): KubeObject & { spec: object } {
  return {
    apiVersion: "security.istio.io/v1",
    kind,
    metadata: { name, namespace: "istio-system", resourceVersion: "1" },
    spec: { selector: { matchLabels: gatewayLabels }, ...spec },
  };
}

const deny = (name: string, rule: object): KubeObject =>
  policy("AuthorizationPolicy", name, { action: "DENY", rules: [rule] });
const to = (...paths: readonly string[]) => [{ operation: { paths } }];

/** Policies for the gateway: what may not be asked for, and by whom. */
export const policies: readonly KubeObject[] = [
  policy("RequestAuthentication", "customers", {
    jwtRules: [
      { issuer: ISSUER, audiences: ["shop"], jwks },
      { issuer: "https://partner.example.com", jwks, fromHeaders: [{ name: "x-partner" }] },
    ],
  }),
  deny("admin", { to: to("/admin", "/admin/*") }),
  deny("private", { from: [{ source: { notRequestPrincipals: ["*"] } }], to: to("/private*") }),
  deny("staff", { to: to("/staff*"), when: [{ key: "request.auth.claims[groups]", notValues: ["staff"] }] }),
  deny("nested", { to: to("/nested"), when: [{ key: "request.auth.claims[a][b]", notValues: ["c"] }] }),
  deny("scope", { to: to("/scope"), when: [{ key: "request.auth.claims[scope]", notValues: ["write"] }] }),
  deny("template", { to: to("/files/{*}/secret", "/deep/{**}/end") }),
  deny("methods", { to: [{ operation: { methods: ["DELETE"], hosts: ["closed.example.com", "*.closed.org"] } }] }),
  deny("header", { when: [{ key: "request.headers[x-user]", values: ["mallory", "ev*"] }] }),
  deny("suffix", { to: to("*.bak") }),
];

type Claims = Readonly<Record<string, unknown>>;

const signed = (claims: Claims, { key = privateKey, kid = "one", end = "10m" } = {}): Promise<string> =>
  new SignJWT({ iss: ISSUER, sub: "ann", aud: "shop", ...claims })
    .setProtectedHeader({ alg: "ES256", kid })
    .setExpirationTime(end)
    .sign(key);

/** A token whose header and claims are written as text, signed properly. */
function signedText(header: string, claims: string, key = privateKey): string {
  const content = `${Buffer.from(header).toString("base64url")}.${Buffer.from(claims).toString("base64url")}`;
  const signature = sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

/** Tokens that RFC 7515 and 7519 forbid, or that take somebody for somebody else. */
function hostile(): readonly (readonly [what: string, token: string])[] {
  const now = Math.floor(Date.now() / 1000);
  const header = '{"alg":"ES256","kid":"one"}';
  const claims = (rest: string, exp = `,"exp":${now + 600}`): string =>
    `{"iss":"${ISSUER}","sub":"ann","aud":"shop"${exp}${rest}}`;
  const mallory = stranger.publicKey.export({ format: "jwk" });
  const withHeader = (rest: string, key = privateKey): string =>
    signedText(`{"alg":"ES256","kid":"one"${rest}}`, claims(""), key);
  const good = signedText(header, claims(""));
  const [first = "", second = "", third = ""] = good.split(".");
  const der = sign("sha256", Buffer.from(`${first}.${second}`), privateKey).toString("base64url");
  return [
    ["one written as text", good],
    ["a key of its own", withHeader(`,"jwk":${JSON.stringify(mallory)}`, stranger.privateKey)],
    ["an address of keys of its own", withHeader(',"jku":"https://evil.example.com/jwks"', stranger.privateKey)],
    ["a certificate of its own", withHeader(',"x5c":["AAAA"]', stranger.privateKey)],
    ["a critical extension", withHeader(',"crit":["exp"],"exp":1')],
    ["an unknown critical extension", withHeader(',"crit":["x"],"x":1')],
    ["an empty list of critical extensions", withHeader(',"crit":[]')],
    ["a key id that is a number", signedText('{"alg":"ES256","kid":1}', claims(""))],
    ["a key id that is a list", signedText('{"alg":"ES256","kid":["one"]}', claims(""))],
    ["no key id", signedText('{"alg":"ES256"}', claims(""))],
    ["no algorithm", signedText('{"kid":"one"}', claims(""))],
    ["an algorithm that is a number", signedText('{"alg":256,"kid":"one"}', claims(""))],
    ["an algorithm in lower case", signedText('{"alg":"es256","kid":"one"}', claims(""))],
    ["the algorithm of another curve", signedText('{"alg":"ES384","kid":"one"}', claims(""))],
    ["the algorithm of another kind of key", signedText('{"alg":"RS256","kid":"one"}', claims(""))],
    ["a header that is a list", signedText("[]", claims(""))],
    ["claims that are a list", signedText(header, "[]")],
    ["claims that are text", signedText(header, '"ann"')],
    ["no JSON", signedText(header, "{")],
    ["a claim twice, the first good", signedText(header, claims(',"aud":"billing"'))],
    ["a claim twice, the last good", signedText(header, claims("").replace('"aud"', '"aud":"billing","aud"'))],
    ["an end that is text", signedText(header, claims("", `,"exp":"${now + 600}"`))],
    ["an end with a fraction", signedText(header, claims("", `,"exp":${now + 600}.5`))],
    ["an end that is negative", signedText(header, claims("", ',"exp":-1'))],
    ["no end", signedText(header, claims("", ""))],
    ["a beginning that is text", signedText(header, claims(',"nbf":"0"'))],
    ["an issuer that is a list", signedText(header, claims("").replace(`"${ISSUER}"`, `["${ISSUER}"]`))],
    ["a subject that is a number", signedText(header, claims("").replace('"ann"', "1"))],
    ["an audience that is a number", signedText(header, claims("").replace('"shop"', "1"))],
    ["no audience", signedText(header, claims("").replace(',"aud":"shop"', ""))],
    ["a signature in DER", `${first}.${second}.${der}`],
    ["an empty signature", `${first}.${second}.`],
    ["a signature of zeros", `${first}.${second}.${Buffer.alloc(64).toString("base64url")}`],
    ["padding", `${first}.${second}.${third}==`],
    ["the other alphabet of base64", `${first}.${second}.${third.slice(0, -1)}+`],
    ["a space within", `${first}. ${second}.${third}`],
    ["an encrypted one", `${base64({ alg: "dir", enc: "A256GCM" })}..AAAA.AAAA.AAAA`],
    ["a very long one", signedText(header, claims(`,"x":"${"x".repeat(12_000)}"`))],
  ];
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token whose header says what it likes; signed with the public key as if it were a secret. */
function confused(alg: string, claims: Claims = {}): string {
  const content = `${base64({ alg, kid: "one" })}.${base64({ iss: ISSUER, sub: "ann", aud: "shop", ...claims })}`;
  const secret = publicKey.export({ type: "spki", format: "pem" });
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}

const ask = (path: string, headers: readonly string[] = [], method = "GET", host = "shop.example.com"): string =>
  [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, "Connection: close", "", ""].join("\r\n");

/** Requests by what is tried with them. */
export async function requests(): Promise<readonly (readonly [what: string, request: string])[]> {
  const bearer = (token: string): string => `Authorization: Bearer ${token}`;
  const good = await signed({ groups: ["staff"], a: { b: "c" }, scope: "read write" });
  const guest = await signed({ groups: ["guests"], a: { b: "x" }, scope: "read" });
  const tokens: readonly (readonly [string, string])[] = [
    ["a good token", good],
    ["one that has ended", await signed({}, { end: "-10m" })],
    ["one that has not begun", await signed({ nbf: Math.floor(Date.now() / 1000) + 600 })],
    ["one for others", await signed({ aud: "billing" })],
    ["one for us in a list", await signed({ aud: ["billing", "shop"] })],
    ["one of another issuer", await signed({ iss: "https://evil.example.com" })],
    ["one without an issuer", await signed({ iss: undefined })],
    ["one signed by a stranger", await signed({}, { key: stranger.privateKey })],
    ["one that names another key", await signed({}, { kid: "two" })],
    ["one with the algorithm none", confused("none")],
    ["one with a public key as secret", confused("HS256")],
    ["one cut off", good.slice(0, -5)],
    ["one with two dots only", ".."],
    ["one with a part more", `${good}.x`],
    ["no base64", "a.b.c"],
    ...hostile(),
  ];
  const paths = [
    ...["/", "/admin", "/admin/", "/admin/x", "/administration", "/ADMIN", "/%61dmin", "/admin%2Fx", "/admin;x=1"],
    ...[
      "/admin?x=1",
      "/x/../admin",
      "/x/%2e%2e/admin",
      "/x/.%2E/admin",
      "/./admin",
      "//admin",
      "/admin//x",
      "/x//../admin",
    ],
    ...["/x\\..\\admin", "/..;/admin", "/admin%00", "/%2e/admin", "/admin/../open", "/admin#x", "/%5c../admin"],
    ...["/private", "/privatest", "/staff", "/files/a/secret", "/files/a/b/secret", "/files//secret", "/deep/end"],
    ...["/deep/a/end", "/deep/a/b/end", "/x.bak", "/x.bak?y", "/x.bakx", "/X.BAK"],
  ];
  return [
    ...tokens.map(([what, token]) => [`token: ${what}`, ask("/private", [bearer(token)])] as const),
    ...paths.map((path) => [`path: ${path}`, ask(path)] as const),
    ["token in the query", ask(`/private?access_token=${good}`)],
    ["token with another scheme", ask("/private", [`Authorization: Basic ${good}`])],
    ["token with a lower-case scheme", ask("/private", [`Authorization: bearer ${good}`])],
    ["two tokens, the first good", ask("/private", [bearer(good), bearer("x.y.z")])],
    ["two tokens, the first bad", ask("/private", [bearer("x.y.z"), bearer(good)])],
    [
      "the partner's token in its header",
      ask("/private", [`x-partner: ${await signed({ iss: "https://partner.example.com" })}`]),
    ],
    ["the partner's token in ours", ask("/private", [bearer(await signed({ iss: "https://partner.example.com" }))])],
    ["our token in the partner's header", ask("/private", [`x-partner: ${good}`])],
    ["a member of staff", ask("/staff", [bearer(good)])],
    ["a guest among staff", ask("/staff", [bearer(guest)])],
    ["a nested claim", ask("/nested", [bearer(good)])],
    ["another nested claim", ask("/nested", [bearer(guest)])],
    ["a scope among several", ask("/scope", [bearer(good)])],
    ["a scope too few", ask("/scope", [bearer(guest)])],
    ["a closed host", ask("/", [], "DELETE", "closed.example.com")],
    ["a closed host in capitals", ask("/", [], "DELETE", "CLOSED.example.com")],
    ["a closed host with a port", ask("/", [], "DELETE", "closed.example.com:18080")],
    ["below a closed domain", ask("/", [], "DELETE", "a.closed.org")],
    ["another method", ask("/", [], "GET", "closed.example.com")],
    ["a lower-case method", ask("/", [], "delete", "closed.example.com")],
    ["a whole address as target", ask("http://closed.example.com/", [], "DELETE")],
    ["a header's value", ask("/", ["x-user: mallory"])],
    ["a header's value by prefix", ask("/", ["X-USER: evil"])],
    ["a header's value in capitals", ask("/", ["x-user: Mallory"])],
    ["a header twice", ask("/", ["x-user: ann", "x-user: mallory"])],
    [
      "a preflight without token",
      ask("/private", ["origin: http://a", "access-control-request-method: GET"], "OPTIONS"),
    ],
  ];
}
