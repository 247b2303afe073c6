import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import {
  parseRevocationLists,
  problemsOfLists,
  RevocationError,
  type RevocationList,
} from "#mesh/lib/identity/revocation.ts";
import {
  type AltName,
  distinguishedName,
  emptyName,
  type Issuer,
  issuerOf,
  keyIdentifier,
  publicKeyInfoOf,
  signCertificate,
} from "./certificate.ts";
import { certificatesIn } from "./pem.ts";

/** Source of these two: Istio's CA (clock skew, lifetime of its root). */
const SKEW_MS = 2 * 60_000;
const ROOT_DAYS = 3650;
const DAY_MS = 86_400_000;

/** The files of a CA, all PEM; names as in Istio's secrets. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
  /** What all are to trust: the root, and while roots change the other one too. */
  readonly root: string;
  /** From the signing certificate up to the root, which may be left out. */
  readonly chain: string;
  /** Lists of revoked certificates; empty for none. */
  readonly revoked: string;
}

export interface LeafRequest {
  readonly publicKeyInfo: Buffer;
  readonly altNames: readonly AltName[];
  readonly lifetimeMs: number;
}

export interface IssuedCertificate {
  readonly certificate: string;
  /** Leaf, intermediates, root. */
  readonly chain: readonly string[];
  readonly notAfter: Date;
}

/** Signs the mesh's certificates. */
export class Authority {
  /** The root that its certificates lead to. */
  readonly root: string;
  /** Every root that the mesh trusts now, one PEM after the other. */
  readonly trusted: string;
  /** What is revoked, as it is distributed; empty where there is no list. */
  readonly revoked: string;
  readonly revocationLists: readonly RevocationList[];
  readonly #issuer: Issuer;
  readonly #intermediates: readonly string[];
  readonly #notAfter: Date;
  readonly #now: () => number;

  /** Throws if the files do not belong together. */
  constructor(files: AuthorityFiles, now: () => number = Date.now) {
    const key = createPrivateKey(files.key);
    const certificate = new X509Certificate(files.certificate);
    if (!certificate.checkPrivateKey(key))
      throw new Error("the CA's key does not belong to its certificate (ca-key.pem, ca-cert.pem)");
    if (!certificate.ca) throw new Error("the CA's certificate may not sign others (ca-cert.pem has no CA:TRUE)");
    const roots = certificatesIn(files.root);
    if (roots.length === 0) throw new Error("the CA's root is not PEM (root-cert.pem)");
    this.trusted = [...new Set(roots)].join("");
    this.revoked = files.revoked;
    this.revocationLists = readLists(files.revoked);
    this.#issuer = issuerOf(files.certificate, key);
    const upwards = [...certificatesIn(files.certificate).slice(0, 1), ...certificatesIn(files.chain)];
    this.#intermediates = [...new Set(upwards)].filter((pem) => !roots.includes(pem));
    this.root = rootOf(certificate, roots, this.#intermediates);
    this.#notAfter = certificate.validToDate;
    this.#now = now;
  }

  /** Why peers will refuse certificates that nobody revoked; see `problemsOfLists`. */
  get revocationProblems(): readonly string[] {
    return problemsOfLists(
      this.revocationLists,
      [...this.#intermediates, ...certificatesIn(this.trusted)],
      this.#now(),
    );
  }

  /** Backdated by two minutes for clocks that are behind; never valid longer than the CA itself. */
  issue({ publicKeyInfo, altNames, lifetimeMs }: LeafRequest): IssuedCertificate {
    const now = this.#now();
    const notAfter = new Date(Math.min(now + lifetimeMs, this.#notAfter.getTime()));
    if (notAfter.getTime() <= now) throw new Error(`the CA's certificate ended on ${this.#notAfter.toISOString()}`);
    const template = {
      publicKeyInfo,
      subject: emptyName,
      altNames,
      notBefore: new Date(now - SKEW_MS),
      notAfter,
      isAuthority: false,
    };
    const certificate = signCertificate(template, this.#issuer);
    return { certificate, chain: [certificate, ...this.#intermediates, this.root], notAfter };
  }

  /** A certificate with a key of its own, for the control plane's servers. */
  issueWithKey(altNames: readonly AltName[], lifetimeMs: number): IssuedCertificate & { readonly key: string } {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const issued = this.issue({ publicKeyInfo: publicKeyInfoOf(privateKey), altNames, lifetimeMs });
    return { ...issued, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }
}

function readLists(text: string): readonly RevocationList[] {
  try {
    return parseRevocationLists(text);
  } catch (error) {
    if (error instanceof RevocationError) throw new Error(`ca-crl.pem: ${error.message}`);
    throw error;
  }
}

/** The one of the roots that the certificate leads to. */
function rootOf(certificate: X509Certificate, roots: readonly string[], intermediates: readonly string[]): string {
  const byPrint = new Map(roots.map((pem) => [new X509Certificate(pem).fingerprint256, pem]));
  const candidates = [...intermediates, ...roots].map((pem) => new X509Certificate(pem));
  let current = certificate;
  for (let steps = 0; steps <= candidates.length; steps++) {
    const root = byPrint.get(current.fingerprint256);
    if (root !== undefined) return root;
    const parent = candidates.find((one) => current.checkIssued(one) && current.verify(one.publicKey));
    if (parent === undefined) break;
    current = parent;
  }
  throw new Error("the CA's certificate does not lead to its root (ca-cert.pem, cert-chain.pem, root-cert.pem)");
}

/** A new self-signed root on P-256: signatures are checked on every connection, and this is the quickest that all can check. */
export function createRoot(organization: string, now: number = Date.now()): AuthorityFiles {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certificate = selfSigned(privateKey, organization, now);
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate, key, root: certificate, chain: "", revoked: "" };
}

function selfSigned(privateKey: KeyObject, organization: string, now: number): string {
  const publicKeyInfo = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const name = distinguishedName({ organization });
  return signCertificate(
    {
      publicKeyInfo,
      subject: name,
      altNames: [],
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(now + ROOT_DAYS * DAY_MS),
      isAuthority: true,
    },
    { name, keyIdentifier: keyIdentifier(publicKeyInfo), key: privateKey },
  );
}
