/** What filter chains are chosen by. */
export interface ConnectionFacts {
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** From the client's TLS hello, lower case; empty without one. */
  readonly serverName: string;
  readonly transportProtocol: "tls" | "raw_buffer";
  /** ALPN of the hello, or what the HTTP inspector found. */
  readonly applicationProtocols: readonly string[];
  /** Filter state that came along with a connection from inside the proxy. */
  readonly state?: ReadonlyMap<string, string> | undefined;
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
