import type { Direction } from "../filters/manager.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { CompiledChain, CompiledListener } from "./compile-listener.ts";
import type { ConnectionFacts } from "./connection-facts.ts";

/** A connection that is served: by which chain of which listener, and what that was chosen by. */
export interface Standing {
  readonly listener: CompiledListener;
  readonly chain: CompiledChain;
  readonly facts: ConnectionFacts;
  readonly connection: DownstreamConnection;
}

/**
 * The chain that the connection would get if it came now: where its listener was replaced, that of the newest one. Undefined if it
 * would not be served any more, or only with TLS that it does not have. What the workload itself began stays with its chain until
 * it ends: there is nobody to keep out.
 */
export function chainOfToday({ listener, chain, facts }: Standing): CompiledChain | undefined {
  if (directionOf(chain) === "outbound") return chain;
  let newest = listener;
  while (newest.successor !== undefined) newest = newest.successor;
  if (newest === listener) return chain;
  const today = newest.choose(facts);
  if (today === undefined || today.handler.kind !== chain.handler.kind) return undefined;
  return (today.tls === undefined) === (chain.tls === undefined) ? today : undefined;
}

export const directionOf = ({ handler }: CompiledChain): Direction =>
  handler.kind === "http"
    ? handler.manager.direction
    : handler.kind === "tcp"
      ? handler.target.direction
      : handler.terminator.direction;
