import { createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  context,
  DerError,
  type Element,
  readChildren,
  readElements,
  readObjectId,
  tags,
} from "#mesh/lib/identity/der.ts";
import { fromPem } from "./pem.ts";

/** A request whose sender has proven that the key is theirs. */
export interface SigningRequest {
  /** SubjectPublicKeyInfo, as it goes into the certificate. */
  readonly publicKeyInfo: Buffer;
  /** Names it asks for: URI:…, DNS:…, and others by their tag. */
  readonly names: readonly string[];
}

/** Why a request cannot be signed; the text goes back to the caller. */
export class RequestError extends Error {
  override readonly name = "RequestError";
}

const MAX_PEM_LENGTH = 16_384;
const MIN_RSA_BITS = 2048;
const curves: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Signature algorithms by object identifier, with the digest that node:crypto is to use. */
const digests: Readonly<Record<string, string | null>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.3.101.112": null,
};
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALT_NAME = "2.5.29.17";

/** Reads and verifies a PKCS#10 request (RFC 2986) in PEM. Throws RequestError. */
export function readSigningRequest(pem: string): SigningRequest {
  if (pem.length > MAX_PEM_LENGTH) throw new RequestError(`the request is longer than ${MAX_PEM_LENGTH} characters`);
  const der = fromPem("CERTIFICATE REQUEST", pem) ?? fromPem("NEW CERTIFICATE REQUEST", pem);
  if (der === undefined) throw new RequestError("the request is not PEM of a CERTIFICATE REQUEST");
  try {
    const [outer] = readElements(der);
    const [info, algorithm, signature] = readChildren(outer, tags.sequence);
    if (info === undefined || algorithm === undefined || signature?.tag !== tags.bitString)
      throw new DerError("the request has not its three parts");
    const [, , publicKeyInfo, attributes] = readChildren(info, tags.sequence);
    if (publicKeyInfo === undefined) throw new DerError("the request has no public key");
    const key = usableKey(publicKeyInfo.bytes);
    proveOwnership({ info, algorithm, signature: signature.content.subarray(1), key });
    return { publicKeyInfo: Buffer.from(publicKeyInfo.bytes), names: requestedNames(attributes) };
  } catch (error) {
    if (error instanceof DerError) throw new RequestError(`the request is malformed: ${error.message}`);
    throw error;
  }
}

function usableKey(der: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    throw new RequestError("the request's public key cannot be read");
  }
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === "rsa" && modulusLength < MIN_RSA_BITS)
    throw new RequestError(`an RSA key of ${modulusLength} bits is too short; use ${MIN_RSA_BITS} or more`);
  if (type === "ec" && !curves.has(namedCurve))
    throw new RequestError(`curve ${namedCurve} is not accepted; use P-256, P-384 or P-521`);
  if (type !== "rsa" && type !== "ec" && type !== "ed25519")
    throw new RequestError(`keys of type ${type} are not accepted`);
  return key;
}

interface Proof {
  readonly info: Element;
  readonly algorithm: Element;
  readonly signature: Buffer;
  readonly key: KeyObject;
}

function proveOwnership({ info, algorithm, signature, key }: Proof): void {
  const [identifier] = readChildren(algorithm, tags.sequence);
  const name = identifier === undefined ? "" : readObjectId(identifier);
  const digest = digests[name];
  if (digest === undefined) throw new RequestError(`signature algorithm ${name} is not accepted`);
  if (!verify(digest, info.bytes, key, signature))
    throw new RequestError("the request is not signed with the key that it names");
}

function requestedNames(attributes: Element | undefined): readonly string[] {
  if (attributes === undefined) return [];
  const extensions = readChildren(attributes, context(0))
    .map((attribute) => readChildren(attribute, tags.sequence))
    .filter(([type]) => type !== undefined && readObjectId(type) === EXTENSION_REQUEST)
    .flatMap(([, values]) => readChildren(values, tags.set))
    .flatMap((list) => readChildren(list, tags.sequence));
  return extensions
    .map((extension) => readChildren(extension, tags.sequence))
    .filter(([type]) => type !== undefined && readObjectId(type) === SUBJECT_ALT_NAME)
    .flatMap((parts) => {
      const [names] = readChildren(parts.at(-1), tags.octetString);
      return readChildren(names, tags.sequence).map(nameText);
    });
}

function nameText({ tag, content }: Element): string {
  if (tag === context(6, false)) return `URI:${content.toString("latin1")}`;
  if (tag === context(2, false)) return `DNS:${content.toString("latin1")}`;
  return `tag ${tag}:${content.toString("hex")}`;
}
