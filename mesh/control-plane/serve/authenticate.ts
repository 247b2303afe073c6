/** Who is at the other end, as proven by a token or a certificate. */
export interface Identity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The pod that a token is bound to; certificates name none. */
  readonly pod?: string;
}

/** What a caller shows. */
export interface Credentials {
  /** Bearer token of the authorization header. */
  readonly token: string | undefined;
  /** URIs in the client certificate that the TLS handshake has verified. */
  readonly certificateUris: readonly string[];
}

/** Undefined if neither proves anything. */
export type Authenticate = (credentials: Credentials) => Promise<Identity | undefined>;

const spiffe = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * The workload that a SPIFFE name stands for; undefined if it is of another mesh or form.
 * @param trustDomains the mesh's own and its aliases
 */
export function identityOf(uri: string, trustDomains: readonly string[]): Identity | undefined {
  const [, domain, namespace, serviceAccount] = spiffe.exec(uri) ?? [];
  if (domain === undefined || !trustDomains.includes(domain)) return undefined;
  if (namespace === undefined || serviceAccount === undefined) return undefined;
  return { namespace, serviceAccount };
}

/** Takes a verified certificate of the mesh, else what the token reviewer says about the token. */
export const authenticator =
  (
    trustDomains: () => readonly string[],
    reviewToken: (token: string) => Promise<Identity | undefined>,
  ): Authenticate =>
  async ({ token, certificateUris }) => {
    for (const uri of certificateUris) {
      const identity = identityOf(uri, trustDomains());
      if (identity !== undefined) return identity;
    }
    return token === undefined ? undefined : await reviewToken(token);
  };
