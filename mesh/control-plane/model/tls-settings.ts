import { z } from "zod";

/** Names of TLS versions as Istio's API has them. */
export const tlsVersion = z.enum(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);
export type TlsVersion = z.infer<typeof tlsVersion>;

/** Versions, ciphers and curves that are spoken; what is left out has the default. */
export interface TlsSettings {
  readonly minProtocolVersion?: TlsVersion | undefined;
  readonly maxProtocolVersion?: TlsVersion | undefined;
  /** OpenSSL's names of ciphers of TLS 1.2; those of 1.3 cannot be chosen. */
  readonly cipherSuites?: readonly string[] | undefined;
  readonly ecdhCurves?: readonly string[] | undefined;
}

/** What Istio offers where nobody says otherwise, the strongest first. Source: SupportedCiphers of Istio's pilot. */
export const defaultCipherSuites: readonly string[] = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
];

/** Those that Envoy (BoringSSL) knows; a name outside of them would make it refuse the whole listener. Source: Envoy's documentation of TlsParameters. */
const knownCipherSuites: ReadonlySet<string> = new Set([
  ...defaultCipherSuites,
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "AES128-SHA",
  "AES256-SHA",
  "ECDHE-PSK-AES128-CBC-SHA",
  "ECDHE-PSK-AES256-CBC-SHA",
  "PSK-AES128-CBC-SHA",
  "PSK-AES256-CBC-SHA",
]);

/** Names that no proxy knows: they are left out, and whoever wrote them is told. */
export const unknownCipherSuites = (suites: readonly string[] | undefined): readonly string[] =>
  (suites ?? []).filter((suite) => !knownCipherSuites.has(suite));

export const usableCipherSuites = (suites: readonly string[] | undefined): readonly string[] => [
  ...new Set((suites ?? []).filter((suite) => knownCipherSuites.has(suite))),
];
