import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** DER of the object identifiers that a request needs. */
const oid = {
  ecdsaWithSha256: Buffer.from("06082a8648ce3d040302", "hex"),
  extensionRequest: Buffer.from("06092a864886f70d01090e", "hex"),
  subjectAltName: Buffer.from("0603551d11", "hex"),
};
const tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
  uri: 0x86,
  boolean: 0x01,
};

export interface KeyAndRequest {
  /** PKCS#8, PEM. Stays in memory. */
  readonly privateKey: string;
  /** PKCS#10, PEM. */
  readonly request: string;
}

/**
 * Makes a key on P-256 and a request to certify it for a SPIFFE id. Source: RFC 2986 (PKCS#10), RFC 5280 4.2.1.6 (critical where
 * the subject is empty), SPIFFE X.509-SVID.
 */
export function createSigningRequest(spiffeId: string): KeyAndRequest {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const info = requestInfo(publicKey, spiffeId);
  const signature = sign("sha256", info, { key: privateKey, dsaEncoding: "der" });
  const der = element(
    tag.sequence,
    info,
    element(tag.sequence, oid.ecdsaWithSha256),
    element(tag.bitString, Buffer.from([0]), signature),
  );
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    request: pem("CERTIFICATE REQUEST", der),
  };
}

function requestInfo(publicKey: KeyObject, spiffeId: string): Buffer {
  const names = element(tag.sequence, element(tag.uri, Buffer.from(spiffeId, "ascii")));
  const critical = element(tag.boolean, Buffer.from([0xff]));
  const extension = element(tag.sequence, oid.subjectAltName, critical, element(tag.octetString, names));
  const attribute = element(tag.sequence, oid.extensionRequest, element(tag.set, element(tag.sequence, extension)));
  return element(
    tag.sequence,
    element(tag.integer, Buffer.from([0])),
    element(tag.sequence),
    publicKey.export({ type: "spki", format: "der" }),
    element(tag.attributes, attribute),
  );
}

function element(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString("base64").replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
