/** A certificate as a proxy holds it; times are RFC 3339. */
export interface CertificateFacts {
  readonly kind: "workload" | "intermediate" | "root";
  readonly subject: string;
  readonly issuer: string;
  /** SPIFFE id; empty where it names none. */
  readonly identity: string;
  /** Hexadecimal. */
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly revoked: boolean;
}

/** What one proxy proves itself with and whom it trusts. A ztunnel has an identity for every account of its node's captured pods. */
export interface ProxyCertificates {
  /** pod.namespace, as in `mesh.status`. */
  readonly id: string;
  readonly identities: readonly {
    /** Its own certificate first, then those above it. */
    readonly chain: readonly CertificateFacts[];
    readonly roots: readonly CertificateFacts[];
  }[];
  /** Why they could not be read. */
  readonly error?: string;
}
