import type { HeaderLines } from "../match/header-match.ts";
import type { MetadataSource } from "../match/metadata-match.ts";

/** What may be asked of a connection or a request before it is let in. Read while rules are evaluated, so nothing is computed that no rule asks for. */
export interface PolicyFacts extends MetadataSource {
  /** URI of the peer's verified certificate; empty without one. */
  readonly principal: string;
  readonly mutual: boolean;
  /** Of the peer's socket. */
  readonly directAddress: string;
  /** Of the client as far as proxies before this one may be believed. */
  readonly remoteAddress: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
  /** Undefined where there is no request. */
  readonly headers: HeaderLines | undefined;
  /** Path without query and fragment. */
  readonly path: string;
  /** Envoy's filter state: what was noted of the tunnel that brought the connection. */
  state(key: string): string | undefined;
}

/** Whether something holds of the facts. */
export type PolicyTest = (facts: PolicyFacts) => boolean;
