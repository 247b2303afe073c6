import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { Authority, type AuthorityFiles, createRoot } from "./authority.ts";
import { issuerOf, publicKeyInfoOf, signCertificate } from "./certificate.ts";
import { readSigningRequest } from "./signing-request.ts";
import { makeRequest } from "./testing/make-request.ts";

const ID = "spiffe://cluster.local/ns/shop/sa/cart";
const uri = [[6, ID]] as const;

describe("signing requests", () => {
  test.each(["ec", "rsa"] as const)("with %s keys are read", (key) => {
    const read = readSigningRequest(makeRequest({ key, names: uri }).csr);
    expect(read.names).toEqual([`URI:${ID}`]);
    expect(createPublicKey({ key: read.publicKeyInfo, format: "der", type: "spki" }).type).toBe("public");
  });

  test("without names are read", () => {
    expect(readSigningRequest(makeRequest({}).csr).names).toEqual([]);
  });

  test("show every name that they ask for", () => {
    const pem = makeRequest({ names: [...uri, [2, "istiod.istio-system.svc"]] }).csr;
    expect(readSigningRequest(pem).names).toEqual([`URI:${ID}`, "DNS:istiod.istio-system.svc"]);
  });

  test("that were changed are refused", () => {
    const pem = makeRequest({ names: uri }).csr;
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    const at = der.indexOf("ns/shop");
    der.write("ns/shup", at);
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    expect(() => readSigningRequest(forged)).toThrow("not signed with the key");
  });

  test("with a short key are refused", () => {
    const pem = makeRequest({ key: "rsa", rsaBits: 1024 }).csr;
    expect(() => readSigningRequest(pem)).toThrow("1024 bits is too short");
  });

  test.each([
    ["nothing", ""],
    ["no PEM", "hello"],
    ["another PEM", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"],
    ["cut off", "-----BEGIN CERTIFICATE REQUEST-----\nMIIBAA==\n-----END CERTIFICATE REQUEST-----"],
    ["endless", `-----BEGIN CERTIFICATE REQUEST-----\n${"A".repeat(20_000)}\n-----END CERTIFICATE REQUEST-----`],
  ])("that are %s are refused", (_, pem) => {
    expect(() => readSigningRequest(pem)).toThrow(/^the request/);
  });
});

describe("certificates", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  let files: AuthorityFiles;
  let authority: Authority;
  beforeAll(() => {
    files = createRoot("cluster.local", now);
    authority = new Authority(files, () => now);
  });
  const issue = (key: "ec" | "rsa" = "ec", lifetimeMs = 3_600_000) =>
    authority.issue({
      publicKeyInfo: readSigningRequest(makeRequest({ key, names: uri }).csr).publicKeyInfo,
      altNames: [{ kind: "uri", value: ID }],
      lifetimeMs,
    });

  test.each(["ec", "rsa"] as const)("for %s keys say what they should", (key) => {
    const { certificate, chain } = issue(key);
    const leaf = new X509Certificate(certificate);
    const root = new X509Certificate(files.root);
    // Names and key identifiers fit, and so does the signature.
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.publicKey.asymmetricKeyType).toBe(key);
    expect(leaf.subject).toBeUndefined();
    expect(leaf.validFromDate.getTime()).toBe(now - 120_000);
    expect(leaf.validToDate.getTime()).toBe(now + 3_600_000);
    expect(leaf.subjectAltName).toBe(`URI:${ID}`);
    expect(leaf.ca).toBe(false);
    expect(root.ca).toBe(true);
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(chain).toEqual([certificate, files.root]);
  });

  test("never outlive the CA", () => {
    const { notAfter } = issue("ec", 100 * 365 * 86_400_000);
    expect(notAfter).toEqual(new X509Certificate(files.root).validToDate);
  });

  test("have serial numbers of their own", () => {
    const serials = new Set(
      [issue(), issue(), issue()].map(({ certificate }) => new X509Certificate(certificate).serialNumber),
    );
    expect(serials.size).toBe(3);
  });
});

describe("a plugged-in CA", () => {
  const day = 86_400_000;
  /** Root (ours) -> intermediate, which is what an administrator plugs in. */
  const plugged = (): AuthorityFiles => {
    const root = createRoot("root");
    const other = createRoot("intermediate");
    const issuer = issuerOf(root.certificate, keyOf(root));
    const certificate = signCertificate(
      {
        publicKeyInfo: publicKeyInfoOf(keyOf(other)),
        subject: issuerOf(other.certificate, keyOf(other)).name,
        altNames: [],
        notBefore: new Date(Date.now() - day),
        notAfter: new Date(Date.now() + day),
        isAuthority: true,
      },
      issuer,
    );
    return { certificate, key: other.key, root: root.certificate, chain: certificate + root.certificate, revoked: "" };
  };

  test("answers with leaf, intermediate and root", () => {
    const files = plugged();
    const { chain, certificate } = new Authority(files).issueWithKey([{ kind: "uri", value: ID }], day / 2);
    expect(chain).toEqual([certificate, files.certificate, files.root]);
    expect(new X509Certificate(chain[0]!).verify(new X509Certificate(chain[1]!).publicKey)).toBe(true);
    expect(new X509Certificate(chain[1]!).verify(new X509Certificate(chain[2]!).publicKey)).toBe(true);
  });

  test.each<[string, (files: AuthorityFiles) => AuthorityFiles, string]>([
    ["another's key", (files) => ({ ...files, key: createRoot("x").key }), "does not belong"],
    ["another's root", (files) => ({ ...files, root: createRoot("x").root, chain: "" }), "does not lead to its root"],
    ["no root", (files) => ({ ...files, root: "" }), "root-cert.pem"],
  ])("with %s is refused", (_, change, message) => {
    expect(() => new Authority(change(plugged()))).toThrow(message);
  });
});

const keyOf = ({ key }: AuthorityFiles): KeyObject => createPrivateKey(key);
