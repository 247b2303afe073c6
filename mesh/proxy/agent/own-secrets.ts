import { createHash } from "node:crypto";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import type { NamedResource } from "../data-plane.ts";

const inline = (pem: string) => ({ specifier: { $case: "inlineBytes", value: Buffer.from(pem) } }) as const;

/**
 * The workload's certificate as the secrets `default` and `ROOTCA` that Istio's configuration names.
 * @param revoked PEM of the authorities' lists of revoked certificates; empty for none
 */
export function ownSecretResources(
  certificate: WorkloadCertificate,
  revoked: string,
): readonly NamedResource<Secret>[] {
  const version = certificate.serial;
  return [
    {
      name: "default",
      version,
      resource: Secret.fromPartial({
        name: "default",
        type: {
          $case: "tlsCertificate",
          value: { certificateChain: inline(certificate.chain), privateKey: inline(certificate.privateKey) },
        },
      }),
    },
    {
      name: "ROOTCA",
      version: createHash("sha256").update(certificate.roots).update(revoked).digest("hex").slice(0, 16),
      resource: Secret.fromPartial({
        name: "ROOTCA",
        type: {
          $case: "validationContext",
          value: { trustedCa: inline(certificate.roots), ...(revoked === "" ? {} : { crl: inline(revoked) }) },
        },
      }),
    },
  ];
}
