import { verify, X509Certificate } from "node:crypto";
import { context, DerError, type Element, readChildren, readElements, readObjectId, tags } from "./der.ts";

/** A list of revoked certificates of one authority (RFC 5280, section 5). */
export interface RevocationList {
  readonly pem: string;
  /** The authority's name, DER in hexadecimal. */
  readonly issuer: string;
  readonly thisUpdate: Date;
  /** Until when the next one comes; undefined where none was promised. */
  readonly nextUpdate: Date | undefined;
  /** Serial numbers in lower-case hexadecimal without leading zeros. */
  readonly serials: ReadonlySet<string>;
  /** What the authority has signed, and how. */
  readonly signed: { readonly body: Buffer; readonly algorithm: string; readonly signature: Buffer };
}

/** A text that holds no list of revoked certificates, or a broken one. */
export class RevocationError extends Error {
  override readonly name = "RevocationError";
}

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

/** Reads all lists of a PEM text; none where it is empty. Throws RevocationError for anything else. */
export function parseRevocationLists(text: string): readonly RevocationList[] {
  if (text.trim() === "") return [];
  const blocks = [...text.matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g)];
  if (blocks.length === 0) throw new RevocationError("it holds no PEM of an X509 CRL");
  return blocks.map(([pem, body = ""]) => {
    try {
      return listOf(`${pem}\n`, Buffer.from(body, "base64"));
    } catch (error) {
      if (error instanceof DerError) throw new RevocationError(`it cannot be read: ${error.message}`);
      throw error;
    }
  });
}

function listOf(pem: string, der: Buffer): RevocationList {
  const [outer] = readElements(der);
  const [body, algorithm, signature] = readChildren(outer, tags.sequence);
  if (body === undefined || signature?.tag !== tags.bitString) throw new DerError("it has not its three parts");
  const fields = readChildren(body, tags.sequence);
  // The version is optional, everything that follows has its place.
  const [, issuer, thisUpdate, ...rest] = fields[0]?.tag === tags.integer ? fields.slice(1) : fields;
  if (issuer?.tag !== tags.sequence || thisUpdate === undefined) throw new DerError("it has no issuer");
  const nextUpdate = rest[0] !== undefined && isTime(rest[0]) ? rest[0] : undefined;
  const revoked = rest.find(({ tag }) => tag === tags.sequence);
  const [name] = readChildren(algorithm, tags.sequence);
  return {
    pem,
    issuer: issuer.bytes.toString("hex"),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: nextUpdate === undefined ? undefined : timeOf(nextUpdate),
    serials: new Set(revoked === undefined ? [] : readElements(revoked.content).map(serialOfEntry)),
    signed: {
      body: body.bytes,
      algorithm: name === undefined ? "" : readObjectId(name),
      signature: signature.content.subarray(1),
    },
  };
}

function serialOfEntry(entry: Element): string {
  const [serial] = readChildren(entry, tags.sequence);
  if (serial?.tag !== tags.integer) throw new DerError("an entry has no serial number");
  return plainSerial(serial.content.toString("hex"));
}

const plainSerial = (hex: string): string => hex.toLowerCase().replace(/^0+(?=.)/, "");

const isTime = ({ tag }: Element): boolean => tag === tags.utcTime || tag === tags.generalizedTime;

/** RFC 5280 4.1.2.5: two-digit years from 50 on are of the last century. */
function timeOf(element: Element): Date {
  const text = element.content.toString("latin1");
  const full = element.tag === tags.utcTime ? `${Number(text.slice(0, 2)) >= 50 ? "19" : "20"}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (!isTime(element) || parts === null) throw new DerError("it has no time where one belongs");
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  return new Date(Date.UTC(year!, month! - 1, day, hour, minute, second));
}

/** Whether one of the lists names the certificate. Serial numbers are unique within one authority only, so its name counts too. */
export function isRevoked(lists: readonly RevocationList[], certificate: X509Certificate): boolean {
  if (lists.length === 0) return false;
  const issuer = nameOf(certificate, "issuer");
  const serial = plainSerial(certificate.serialNumber);
  return lists.some((list) => list.issuer === issuer && list.serials.has(serial));
}

/** The issuer's or the subject's name, DER in hexadecimal. */
function nameOf({ raw }: X509Certificate, which: "issuer" | "subject"): string {
  const [outer] = readElements(raw);
  const [body] = readChildren(outer, tags.sequence);
  const fields = readChildren(body, tags.sequence);
  // version (context 0, optional), serial number, algorithm, issuer, validity, subject
  const start = fields[0]?.tag === context(0) ? 1 : 0;
  return fields[start + (which === "issuer" ? 2 : 4)]?.bytes.toString("hex") ?? "";
}

/**
 * What makes verification fail although nobody was revoked, in words for a log: whoever verifies by these lists refuses every
 * certificate of an authority whose list has ended, is of somebody else or is missing. Source: Envoy's CertificateValidationContext.crl.
 * @param authorities PEM of every certificate that may have signed a list
 */
export function problemsOfLists(
  lists: readonly RevocationList[],
  authorities: readonly string[],
  now: number = Date.now(),
): readonly string[] {
  const known = authorities.map((pem) => new X509Certificate(pem));
  const problems = lists.flatMap((list) => {
    const signer = known.filter((one) => nameOf(one, "subject") === list.issuer);
    if (!signer.some((one) => isSignedBy(list, one)))
      return ["a list of revoked certificates is not signed by an authority of the mesh"];
    if (list.nextUpdate !== undefined && list.nextUpdate.getTime() < now)
      return [`the list of revoked certificates ended on ${list.nextUpdate.toISOString()}`];
    return [];
  });
  const without = known.filter((one) => !lists.some(({ issuer }) => issuer === nameOf(one, "subject")));
  if (lists.length > 0 && without.length > 0)
    problems.push(`there is no list of revoked certificates of ${without.map(({ subject }) => subject).join("; ")}`);
  return problems;
}

function isSignedBy({ signed }: RevocationList, { publicKey }: X509Certificate): boolean {
  const digest = digests[signed.algorithm];
  return digest !== undefined && verify(digest, signed.body, publicKey, signed.signature);
}
