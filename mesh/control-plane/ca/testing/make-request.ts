import { generateKeyPairSync, sign } from "node:crypto";
import { bitString, context, element, objectId, tags } from "#mesh/lib/identity/der.ts";
import { toPem } from "../pem.ts";

export interface RequestOptions {
  readonly key?: "ec" | "rsa";
  readonly rsaBits?: number;
  /** Names with their tag: 6 for a URI, 2 for DNS. */
  readonly names?: readonly (readonly [tag: number, value: string])[];
}

/** A PKCS#10 request as a client would send it, and its key. */
export function makeRequest({ key = "ec", rsaBits = 2048, names = [] }: RequestOptions): {
  readonly csr: string;
  readonly key: string;
} {
  const { privateKey, publicKey } =
    key === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: rsaBits });
  const altNames = element(
    tags.sequence,
    ...names.map(([tag, value]) => element(context(tag, false), Buffer.from(value))),
  );
  const extension = element(tags.sequence, objectId("2.5.29.17"), element(tags.octetString, altNames));
  const attribute = element(
    tags.sequence,
    objectId("1.2.840.113549.1.9.14"),
    element(tags.set, element(tags.sequence, extension)),
  );
  const info = element(
    tags.sequence,
    element(tags.integer, Buffer.from([0])),
    element(tags.sequence),
    publicKey.export({ type: "spki", format: "der" }),
    element(context(0), ...(names.length === 0 ? [] : [attribute])),
  );
  const algorithm =
    key === "ec"
      ? element(tags.sequence, objectId("1.2.840.10045.4.3.2"))
      : element(tags.sequence, objectId("1.2.840.113549.1.1.11"), element(tags.null));
  const der = element(tags.sequence, info, algorithm, bitString(sign("sha256", info, privateKey)));
  return {
    csr: toPem("CERTIFICATE REQUEST", der),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
