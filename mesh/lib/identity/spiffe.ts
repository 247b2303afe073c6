import type { PeerCertificate } from "node:tls";

/** Names in a certificate's subjectAltName, as Node prints them. */
export interface SubjectAltNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Takes Node's text apart. Node quotes entries that hold commas or quotes as JSON strings (CVE-2021-44532), so that a name
 * cannot smuggle in another one.
 */
export function parseSubjectAltName(text: string | undefined): SubjectAltNames {
  const uris: string[] = [];
  const dns: string[] = [];
  const addresses: string[] = [];
  const entry = /(DNS|URI|IP Address|email|othername|Registered ID|DirName):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g;
  for (const match of (text ?? "").matchAll(entry)) {
    const raw = match[2] ?? "";
    const value = raw.startsWith('"') ? String(JSON.parse(raw)) : raw;
    if (match[1] === "URI") uris.push(value);
    else if (match[1] === "DNS") dns.push(value);
    else if (match[1] === "IP Address") addresses.push(value);
  }
  return { uris, dns, addresses };
}

export function namesOf(certificate: PeerCertificate): SubjectAltNames {
  return parseSubjectAltName(certificate.subjectaltname);
}

export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT, or undefined. */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  const parts = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(uri);
  if (parts === null) return undefined;
  return { trustDomain: parts[1] ?? "", namespace: parts[2] ?? "", serviceAccount: parts[3] ?? "" };
}
