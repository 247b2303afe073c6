import { z } from "zod";
import { ports } from "#api/names.ts";
import type { CertificateFacts, ProxyCertificates } from "#api/rpc/certificates.ts";
import type { ProxySync } from "#api/rpc/telemetry.ts";
import type { ClusterApi } from "../cluster-api.ts";

const names = { subject: z.string().default(""), issuer: z.string().default(""), revoked: z.boolean().default(false) };

/** The answer of a proxy's /certs: Envoy's, and what Slipway's proxies say beyond it. */
const proxyAnswer = z.object({
  certificates: z.array(
    z.object({
      cert_chain: z.array(z.unknown()).default([]),
      ca_cert: z.array(z.unknown()).default([]),
    }),
  ),
});
const proxyCertificate = z.object({
  serial_number: z.string(),
  subject_alt_names: z.array(z.object({ uri: z.string().optional() })).default([]),
  valid_from: z.string(),
  expiration_time: z.string(),
  ...names,
});

/** The certificates in a ztunnel's configuration dump: serial numbers in decimal, as Istio's ztunnel has them. */
const ztunnelAnswer = z.object({
  certificates: z.array(
    z.object({
      identity: z.string(),
      certChain: z.array(z.unknown()).default([]),
      rootCerts: z.array(z.unknown()).default([]),
    }),
  ),
});
const ztunnelCertificate = z.object({
  serialNumber: z.string(),
  validFrom: z.string(),
  expirationTime: z.string(),
  ...names,
});

/** Asks every proxy what it proves itself with and whom it trusts. One that does not answer says why instead. */
export function readCertificates(
  api: Pick<ClusterApi, "podLocalRequest">,
  proxies: readonly ProxySync[],
  signal: AbortSignal,
): Promise<readonly ProxyCertificates[]> {
  return Promise.all(
    proxies.map(async (proxy) => {
      try {
        return { id: proxy.id, identities: await identitiesOf(api, proxy, signal) };
      } catch (error) {
        signal.throwIfAborted();
        return { id: proxy.id, identities: [], error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

async function identitiesOf(
  api: Pick<ClusterApi, "podLocalRequest">,
  { namespace, pod, role }: ProxySync,
  signal: AbortSignal,
): Promise<ProxyCertificates["identities"]> {
  const path = role === "ztunnel" ? "/slipway/config_dump" : "/slipway/certs";
  const response = await api.podLocalRequest({ namespace, pod, port: ports.agentStatus }, { path, signal });
  if (response.status !== 200) throw new Error(`${pod} answered ${response.status}`);
  const answer: unknown = JSON.parse(await response.text());
  return role === "ztunnel" ? ofZtunnel(answer) : ofProxy(answer);
}

export const ofProxy = (answer: unknown): ProxyCertificates["identities"] =>
  proxyAnswer.parse(answer).certificates.map(({ cert_chain, ca_cert }) => ({
    chain: cert_chain.map((one, index) => fromProxy(one, index === 0 ? "workload" : "intermediate")),
    roots: ca_cert.map((one) => fromProxy(one, "root")),
  }));

export const ofZtunnel = (answer: unknown): ProxyCertificates["identities"] =>
  ztunnelAnswer.parse(answer).certificates.map(({ identity, certChain, rootCerts }) => ({
    chain: certChain.map((one, index) => ({
      ...fromZtunnel(one, index === 0 ? "workload" : "intermediate"),
      identity: index === 0 ? identity : "",
    })),
    roots: rootCerts.map((one) => fromZtunnel(one, "root")),
  }));

function fromProxy(value: unknown, kind: CertificateFacts["kind"]): CertificateFacts {
  const { serial_number, subject_alt_names, valid_from, expiration_time, ...rest } = proxyCertificate.parse(value);
  const identity = subject_alt_names.find(({ uri }) => uri !== undefined)?.uri ?? "";
  return { kind, ...rest, identity, serial: serial_number, notBefore: valid_from, notAfter: expiration_time };
}

function fromZtunnel(value: unknown, kind: CertificateFacts["kind"]): CertificateFacts {
  const { serialNumber, validFrom, expirationTime, ...rest } = ztunnelCertificate.parse(value);
  const serial = BigInt(serialNumber).toString(16);
  return { kind, ...rest, identity: "", serial, notBefore: validFrom, notAfter: expirationTime };
}
