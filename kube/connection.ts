/** How to reach an API server and as whom. Credentials are asked for again with each connection or request, since they rotate. */
export interface Connection {
  readonly server: URL;
  tls(): Promise<TlsOptions>;
  /** The Authorization header; undefined with a client certificate. */
  authorization(): Promise<string | undefined>;
}

export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  /** False only where the kubeconfig says insecure-skip-tls-verify. */
  readonly rejectUnauthorized: boolean;
}
