import { RBAC } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { PolicyFacts } from "../../lib/policy/facts.ts";
import { compileRbac, type Verdict } from "../../lib/policy/rbac.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { RequestSink } from "../request-record.ts";

/** Decides whether a connection may be served. The verdict of the first rules that refuse it; undefined when all let it in. */
export type ConnectionGuard = (connection: DownstreamConnection) => Verdict | undefined;

/** Envoy's role-based access control for connections: asked once, before a byte goes on. */
export function compileNetworkRbac(config: Uint8Array, sink: RequestSink): ConnectionGuard {
  const { rules, shadowRules, matcher, shadowMatcher } = RBAC.decode(config);
  if (matcher !== undefined || shadowMatcher !== undefined) throw new Error("RBAC by match trees is not supported");
  const regexes = new RegexCache();
  const enforce = rules === undefined ? undefined : compileRbac(rules, regexes);
  const shadow = shadowRules === undefined ? undefined : compileRbac(shadowRules, regexes);
  return (connection) => {
    const facts = factsOf(connection);
    if (shadow !== undefined) {
      const { policy, allowed } = shadow(facts);
      sink.decided?.(policy, allowed ? "shadow_allowed" : "shadow_denied");
    }
    if (enforce === undefined) return undefined;
    const verdict = enforce(facts);
    sink.decided?.(verdict.policy, verdict.allowed ? "allowed" : "denied");
    return verdict.allowed ? undefined : verdict;
  };
}

const factsOf = (connection: DownstreamConnection): PolicyFacts => ({
  principal: connection.tls?.peerUri ?? "",
  mutual: connection.tls?.mutual === true,
  directAddress: connection.remoteAddress,
  remoteAddress: connection.remoteAddress,
  destinationAddress: connection.destinationAddress,
  destinationPort: connection.destinationPort,
  serverName: connection.serverName,
  headers: undefined,
  path: "",
  metadata: () => undefined,
});
