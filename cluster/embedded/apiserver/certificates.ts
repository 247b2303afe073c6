// tsyringe, which x509 uses, needs it before it is loaded.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { AppError } from "#api/errors.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const YEARS = 10;

export interface KeyPairPem {
  readonly cert: string;
  readonly key: string;
}

export interface ClusterCertificates {
  /** PEM of the authority, for all clients. */
  readonly ca: string;
  readonly server: KeyPairPem;
  /** CN kubernetes-admin, O system:masters. */
  readonly admin: KeyPairPem;
  /** PKCS#8 PEM that signs service accounts' tokens. */
  readonly tokenKey: string;
}

/** Reads the cluster's keys from its folder, making them the first time: people's kubeconfigs stay right over restarts. */
export async function openCertificates(
  folder: string,
  names: { readonly dns: readonly string[]; readonly ip: readonly string[] },
): Promise<ClusterCertificates> {
  const path = join(folder, "keys.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text !== undefined) return parse(text, path);
  const made = await make(names);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify(made), { mode: 0o600 });
  await chmod(path, 0o600);
  return made;
}

function parse(text: string, path: string): ClusterCertificates {
  try {
    const keys = JSON.parse(text) as ClusterCertificates;
    if (typeof keys.ca === "string" && typeof keys.server.key === "string" && typeof keys.tokenKey === "string")
      return keys;
  } catch {
    // said below
  }
  throw new AppError("STATE_CORRUPT", `${path} does not hold the cluster's keys`, {
    hint: "`slipway down --delete` makes a new cluster.",
  });
}

async function make(names: {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}): Promise<ClusterCertificates> {
  const [caKeys, serverKeys, adminKeys, tokenKeys] = await Promise.all(
    Array.from({ length: 4 }, () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])),
  );
  if (!caKeys || !serverKeys || !adminKeys || !tokenKeys) throw new Error("no keys were made");
  const validity = {
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + YEARS * 365 * 86_400_000),
    signingAlgorithm: ALGORITHM,
  };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=slipway-cluster-ca",
    keys: caKeys,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (
    subject: string,
    keys: webcrypto.CryptoKeyPair,
    extensions: x509.Extension[],
  ): Promise<KeyPairPem> => {
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      ...validity,
      extensions,
    });
    return { cert: certificate.toString("pem"), key: await keyPem(keys) };
  };
  const alternatives: x509.JsonGeneralNames = [
    ...names.dns.map((value) => ({ type: "dns" as const, value })),
    ...names.ip.map((value) => ({ type: "ip" as const, value })),
  ];
  const server = await issue("CN=kube-apiserver", serverKeys, [
    new x509.SubjectAlternativeNameExtension(alternatives),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  ]);
  const admin = await issue("CN=kubernetes-admin,O=system:masters", adminKeys, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ]);
  return { ca: ca.toString("pem"), server, admin, tokenKey: await keyPem(tokenKeys) };
}

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n").trimEnd()}\n-----END PRIVATE KEY-----\n`;
}
