/** What a proxy under test is started with. */
export interface Setup {
  readonly listenPort: number;
  readonly upstreamPort: number;
  /** Files in PEM; mutual TLS to the upstream where given. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly roots: string } | undefined;
}
