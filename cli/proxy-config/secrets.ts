import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { table } from "../table.ts";
import { resourcesOf } from "./dump.ts";

const source = z.looseObject({ inlineBytes: z.string().default("") });
const secretSchema = z.looseObject({
  name: z.string(),
  tlsCertificate: z.looseObject({ certificateChain: source }).optional(),
  validationContext: z.looseObject({ trustedCa: source }).optional(),
});

/**
 * The certificates of a proxy as `istioctl proxy-config secret` lists them: its own, of which the first is told, and every root.
 * @param now milliseconds since the epoch, to tell what is valid
 */
export function secretsTable(dump: unknown, now: number = Date.now()): string {
  const rows = resourcesOf(dump, "secret").flatMap((resource) => {
    const { name, tlsCertificate, validationContext } = secretSchema.parse(resource);
    const chain = certificatesIn(tlsCertificate?.certificateChain.inlineBytes).slice(0, 1);
    const roots = certificatesIn(validationContext?.trustedCa.inlineBytes);
    return [
      ...chain.map((certificate) => rowOf(name, "Cert Chain", certificate, now)),
      ...roots.map((certificate) => rowOf(name, "CA", certificate, now)),
    ];
  });
  const header = ["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"];
  return table([...header, "TRUST DOMAIN"], rows);
}

function rowOf(name: string, type: string, certificate: X509Certificate, now: number): readonly string[] {
  const { validFromDate: from, validToDate: to, serialNumber, subjectAltName } = certificate;
  const valid = from.getTime() <= now && now < to.getTime();
  const trustDomain = /URI:spiffe:\/\/([^/,]+)/.exec(subjectAltName ?? "")?.[1] ?? "";
  return [name, type, "ACTIVE", String(valid), serialNumber.toLowerCase(), seconds(to), seconds(from), trustDomain];
}

const seconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

const certificatesIn = (base64: string | undefined): readonly X509Certificate[] =>
  (
    Buffer.from(base64 ?? "", "base64")
      .toString("utf8")
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  ).map((pem) => new X509Certificate(pem));
