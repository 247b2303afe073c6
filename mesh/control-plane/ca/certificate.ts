import { createHash, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  context,
  element,
  objectId,
  positiveInteger,
  readChildren,
  readElements,
  tags,
  time,
} from "#mesh/lib/identity/der.ts";
import { toPem } from "./pem.ts";

/** A name of a certificate. */
export type AltName =
  | { readonly kind: "uri"; readonly value: string }
  | { readonly kind: "dns"; readonly value: string }
  | { readonly kind: "ip"; readonly value: string };

export interface CertificateTemplate {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Buffer;
  /** Name of the subject, DER; `distinguishedName` makes one. */
  readonly subject: Buffer;
  readonly altNames: readonly AltName[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isAuthority: boolean;
}

/** Who signs: the name and key identifier that go into what it signs. */
export interface Issuer {
  readonly name: Buffer;
  readonly keyIdentifier: Buffer;
  readonly key: KeyObject;
}

const oids = {
  ecdsaWithSha256: objectId("1.2.840.10045.4.3.2"),
  sha256WithRsa: objectId("1.2.840.113549.1.1.11"),
  ed25519: objectId("1.3.101.112"),
  organization: objectId("2.5.4.10"),
  commonName: objectId("2.5.4.3"),
  subjectKeyIdentifier: objectId("2.5.29.14"),
  keyUsage: objectId("2.5.29.15"),
  subjectAltName: objectId("2.5.29.17"),
  basicConstraints: objectId("2.5.29.19"),
  authorityKeyIdentifier: objectId("2.5.29.35"),
  extendedKeyUsage: objectId("2.5.29.37"),
  serverAuth: objectId("1.3.6.1.5.5.7.3.1"),
  clientAuth: objectId("1.3.6.1.5.5.7.3.2"),
};
const critical = element(tags.boolean, Buffer.from([0xff]));

/**
 * Signs a certificate (RFC 5280) and gives it as PEM. Written out by hand, since the form is fixed: half of the time is the signature
 * itself, and the general builders bring decorators and reflection along.
 */
export function signCertificate(template: CertificateTemplate, issuer: Issuer): string {
  const algorithm = signatureAlgorithm(issuer.key);
  const body = element(
    tags.sequence,
    element(context(0), element(tags.integer, Buffer.from([2]))),
    serialNumber(),
    algorithm,
    issuer.name,
    element(tags.sequence, time(template.notBefore), time(template.notAfter)),
    template.subject,
    template.publicKeyInfo,
    element(context(3), element(tags.sequence, ...extensions(template, issuer))),
  );
  const digest = issuer.key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return toPem("CERTIFICATE", element(tags.sequence, body, algorithm, bitString(sign(digest, body, issuer.key))));
}

/** 127 random bits: unique without remembering any, positive and never zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return positiveInteger(bytes);
}

function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case "ec":
      return element(tags.sequence, oids.ecdsaWithSha256);
    case "rsa":
      return element(tags.sequence, oids.sha256WithRsa, element(tags.null));
    case "ed25519":
      return element(tags.sequence, oids.ed25519);
    default:
      throw new Error(`a CA key of type ${key.asymmetricKeyType} cannot be used; use EC, RSA or Ed25519`);
  }
}

function extensions(template: CertificateTemplate, issuer: Issuer): readonly Buffer[] {
  const { isAuthority, publicKeyInfo, altNames, subject } = template;
  const list = [
    // Bits: digitalSignature and keyEncipherment; for an authority keyCertSign and cRLSign.
    extension(oids.keyUsage, element(tags.bitString, Buffer.from(isAuthority ? [1, 0x06] : [5, 0xa0])), true),
    extension(oids.basicConstraints, element(tags.sequence, ...(isAuthority ? [critical] : [])), true),
    extension(oids.subjectKeyIdentifier, element(tags.octetString, keyIdentifier(publicKeyInfo))),
    extension(oids.authorityKeyIdentifier, element(tags.sequence, element(context(0, false), issuer.keyIdentifier))),
  ];
  if (!isAuthority)
    list.push(extension(oids.extendedKeyUsage, element(tags.sequence, oids.serverAuth, oids.clientAuth)));
  if (altNames.length > 0) {
    // Without a subject the names are all there is, and so must be understood.
    list.push(
      extension(oids.subjectAltName, element(tags.sequence, ...altNames.map(altName)), subject.equals(emptyName)),
    );
  }
  return list;
}

const extension = (id: Buffer, value: Buffer, isCritical = false): Buffer =>
  element(tags.sequence, id, ...(isCritical ? [critical] : []), element(tags.octetString, value));

function altName({ kind, value }: AltName): Buffer {
  switch (kind) {
    case "uri":
      return element(context(6, false), Buffer.from(value, "latin1"));
    case "dns":
      return element(context(2, false), Buffer.from(value, "latin1"));
    case "ip":
      if (isIP(value) !== 4) throw new Error(`only IPv4 addresses go into certificates here, not ${value}`);
      return element(context(7, false), Buffer.from(value.split(".").map(Number)));
  }
}

/** RFC 5280 4.2.1.2: SHA-1 of the key's bits, without the algorithm before them. */
export function keyIdentifier(publicKeyInfo: Buffer): Buffer {
  const [outer] = readElements(publicKeyInfo);
  const [, bits] = readChildren(outer, tags.sequence);
  return createHash("sha1").update(bits!.content.subarray(1)).digest();
}

export const emptyName: Buffer = element(tags.sequence);

/** O=…, CN=…, as DER. */
export function distinguishedName(fields: { readonly organization?: string; readonly commonName?: string }): Buffer {
  const part = (id: Buffer, value: string): Buffer =>
    element(tags.set, element(tags.sequence, id, element(tags.utf8String, Buffer.from(value))));
  return element(
    tags.sequence,
    ...(fields.organization === undefined ? [] : [part(oids.organization, fields.organization)]),
    ...(fields.commonName === undefined ? [] : [part(oids.commonName, fields.commonName)]),
  );
}

/** Subject and key identifier of an authority's certificate, to be repeated in what it signs. */
export function issuerOf(certificatePem: string, key: KeyObject): Issuer {
  const { raw, publicKey } = new X509Certificate(certificatePem);
  const [outer] = readElements(raw);
  const [body] = readChildren(outer, tags.sequence);
  // version, serial number, algorithm, issuer, validity, subject
  const subject = readChildren(body, tags.sequence)[5];
  if (subject === undefined) throw new Error("the CA's certificate has no subject");
  const identifier =
    declaredKeyIdentifier(body!.content) ?? keyIdentifier(publicKey.export({ type: "spki", format: "der" }));
  return { name: Buffer.from(subject.bytes), keyIdentifier: identifier, key };
}

/** An authority made elsewhere may have chosen its identifier in another way. */
function declaredKeyIdentifier(body: Buffer): Buffer | undefined {
  const wrapper = readElements(body).find(({ tag }) => tag === context(3));
  if (wrapper === undefined) return undefined;
  const [list] = readElements(wrapper.content);
  const found = readChildren(list, tags.sequence).find(({ content }) =>
    content.subarray(0, oids.subjectKeyIdentifier.length).equals(oids.subjectKeyIdentifier),
  );
  const value = found === undefined ? undefined : readElements(found.content).at(-1);
  return value === undefined ? undefined : Buffer.from(readElements(value.content)[0]!.content);
}

export const publicKeyInfoOf = (privateKey: KeyObject): Buffer =>
  createPublicKey(privateKey).export({ type: "spki", format: "der" });
