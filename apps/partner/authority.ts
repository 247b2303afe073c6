// tsyringe, which x509 uses, needs it before it is loaded.
import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const VALIDITY_MS = 90 * 86_400_000;

export interface PartnerCertificate {
  /** PEM of the authority that whoever calls has to trust. */
  readonly root: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority of the partner's own, which nobody in the mesh knows, and a certificate of it for a DNS name. */
export async function makeCertificate(host: string): Promise<PartnerCertificate> {
  const [rootKeys, keys] = await Promise.all([newKeys(), newKeys()]);
  const validity = {
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + VALIDITY_MS),
    signingAlgorithm: ALGORITHM,
  };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Partner Root CA",
    keys: rootKeys,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const cert = await x509.X509CertificateGenerator.create({
    subject: `CN=${host}`,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    ...validity,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: host }]),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
  return { root: root.toString("pem"), cert: cert.toString("pem"), key };
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
