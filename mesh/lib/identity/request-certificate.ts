import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { IstioCertificateRequest, IstioCertificateResponse } from "#gen/istio/istio/v1/ca.ts";
import type { Connect } from "../control-plane/connect.ts";
import { createSigningRequest } from "./signing-request.ts";

const METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
const TIMEOUT_MS = 10_000;

/** What a workload proves itself with, and whom it trusts. All PEM. */
export interface WorkloadCertificate {
  readonly chain: string;
  readonly privateKey: string;
  readonly roots: string;
  readonly spiffeId: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface CertificateWish {
  readonly spiffeId: string;
  /** host:port of the authority. */
  readonly address: string;
  readonly lifetimeSeconds: number;
  /** File with the roots that are trusted. */
  readonly rootCertificate: string;
  /** For another's identity, which a node's proxy may ask for. */
  readonly impersonated?: boolean;
}

/** Asks once. Throws when the control plane refuses, or answers with something that does not fit the key. */
export async function requestCertificate(wish: CertificateWish, connect: Connect): Promise<WorkloadCertificate> {
  const { privateKey, request } = createSigningRequest(wish.spiffeId);
  const certificates = await signed(wish, request, connect);
  if (certificates.length < 2)
    throw new Error(
      `the control plane answered with ${certificates.length} certificates, not with a chain and its root`,
    );
  const leaf = new X509Certificate(certificates[0]!);
  const root = certificates.at(-1)!;
  const trusted = await readFile(wish.rootCertificate, "utf8").catch(() => "");
  return {
    chain: certificates.slice(0, -1).map(ended).join(""),
    privateKey,
    // While roots change, peers may still be signed by the other one.
    roots: trusted.includes(root.trim()) || trusted === "" ? ended(trusted || root) : ended(root) + ended(trusted),
    spiffeId: /URI:(spiffe:[^,]+)/.exec(leaf.subjectAltName ?? "")?.[1] ?? wish.spiffeId,
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
  };
}

async function signed(wish: CertificateWish, csr: string, connect: Connect): Promise<readonly string[]> {
  const { client, metadata } = await connect(wish.address);
  const message = IstioCertificateRequest.fromPartial({
    csr,
    validityDuration: wish.lifetimeSeconds,
    ...(wish.impersonated === true ? { metadata: { ImpersonatedIdentity: wish.spiffeId } } : {}),
  });
  try {
    const response = await new Promise<IstioCertificateResponse | undefined>((resolve, reject) => {
      client.makeUnaryRequest<IstioCertificateRequest, IstioCertificateResponse>(
        METHOD,
        (value) => Buffer.from(IstioCertificateRequest.encode(value).finish()),
        (bytes) => IstioCertificateResponse.decode(bytes),
        message,
        metadata,
        { deadline: Date.now() + TIMEOUT_MS },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
    // Several certificates may stand in one element.
    return (response?.certChain ?? []).flatMap(certificatesIn);
  } finally {
    client.close();
  }
}

/** The certificates of a PEM text, one by one. */
export const certificatesIn = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

/** PEM that others may follow. */
export const ended = (pem: string): string => `${pem.trimEnd()}\n`;
