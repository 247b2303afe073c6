import { createPrivateKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import type { Credential } from "../model/snapshot.ts";
import { originOf } from "./parse-core.ts";

const secret = z.object({ data: z.record(z.string(), z.string()).nullish() });

/**
 * Keys and certificates of a Secret; undefined for one that has neither. Both spellings of the keys are known: those of
 * kubernetes.io/tls secrets and those of generic ones. Source: Istio's documentation of credentialName.
 */
export function parseCredential(object: KubeObject): Credential | undefined {
  const data = secret.parse(object).data ?? {};
  const text = (...names: readonly string[]): string | undefined => {
    const found = names.map((name) => data[name]).find((value) => value !== undefined && value !== "");
    return found === undefined ? undefined : Buffer.from(found, "base64").toString();
  };
  const chain = text("tls.crt", "cert");
  const key = text("tls.key", "key");
  const root = text("ca.crt", "cacert");
  const certificate = chain === undefined || key === undefined ? undefined : { chain, key };
  if (certificate === undefined && root === undefined) return undefined;
  const origin = originOf(object);
  const fault = faultOf(certificate, root);
  // Proxies refuse what cannot be used, and with it what came along.
  if (fault !== undefined) return { origin, certificate: undefined, root: undefined, revoked: undefined, fault };
  return { origin, certificate, root, revoked: text("ca.crl", "crl") };
}

function faultOf(certificate: Credential["certificate"], root: string | undefined): string | undefined {
  try {
    if (root !== undefined) new X509Certificate(root);
  } catch {
    return "holds authorities that are no certificates in PEM";
  }
  if (certificate === undefined) return undefined;
  try {
    const key = createPrivateKey(certificate.key);
    return new X509Certificate(certificate.chain).checkPrivateKey(key)
      ? undefined
      : "holds a certificate and a key that do not belong together";
  } catch {
    return "holds a certificate or a key that is not in PEM";
  }
}
