import { RBAC } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { PolicyFacts } from "../../lib/policy/facts.ts";
import { compileRbac } from "../../lib/policy/rbac.ts";
import { ASKING, deniedDetails, manifestOf, shadowFindings } from "../filters/denial.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { RequestSink } from "../request-record.ts";

/** Why a connection is not served, and the manifest that says so (empty where none does). */
export interface Refusal {
  /** Response flags; empty for none. */
  readonly flags: string;
  readonly details: string;
  readonly configSource: string;
}

/** What guards found out about a connection for those after them, by the name of their filter. */
export type ConnectionFindings = Map<string, unknown>;

/** Decides whether a connection may be served: at once by rules, or by asking somebody. Undefined lets it in. */
export type ConnectionGuard =
  | {
      readonly kind: "rules";
      test(connection: DownstreamConnection, findings: ConnectionFindings): Refusal | undefined;
    }
  | {
      readonly kind: "authorizer";
      ask(connection: DownstreamConnection, findings: ConnectionFindings): Promise<Refusal | undefined> | undefined;
    };

export type RulesGuard = Extract<ConnectionGuard, { kind: "rules" }>;

type Rules = Pick<RBAC, "rules" | "shadowRules" | "matcher" | "shadowMatcher" | "shadowRulesStatPrefix">;

const NAME = "envoy.filters.network.rbac";

/** Envoy's role-based access control for connections: asked once, before a byte goes on. */
export function compileNetworkRbac(config: Uint8Array, sink: RequestSink): ConnectionGuard {
  return rulesGuard(RBAC.decode(config), sink);
}

/** Rules that know nothing of requests, from wherever in the configuration they come. */
export function rulesGuard(
  { rules, shadowRules, matcher, shadowMatcher, shadowRulesStatPrefix: prefix }: Rules,
  sink: RequestSink,
): RulesGuard {
  if (matcher !== undefined || shadowMatcher !== undefined) throw new Error("RBAC by match trees is not supported");
  const regexes = new RegexCache();
  const enforce = rules === undefined ? undefined : compileRbac(rules, regexes);
  const shadow = shadowRules === undefined ? undefined : compileRbac(shadowRules, regexes);
  return {
    kind: "rules",
    test: (connection, findings) => {
      const facts = factsOf(connection);
      if (shadow !== undefined) {
        const verdict = shadow(facts);
        findings.set(NAME, { ...(findings.get(NAME) as object | undefined), ...shadowFindings(prefix, verdict) });
        if (prefix !== ASKING) sink.decided?.(verdict.policy, verdict.allowed ? "shadow_allowed" : "shadow_denied");
      }
      if (enforce === undefined) return undefined;
      const { policy, allowed } = enforce(facts);
      sink.decided?.(policy, allowed ? "allowed" : "denied");
      return allowed
        ? undefined
        : { flags: "", details: deniedDetails(policy), configSource: manifestOf(policy).decidedBy ?? "" };
    },
  };
}

const factsOf = (connection: DownstreamConnection): PolicyFacts => ({
  principal: connection.proof?.peerUri ?? "",
  mutual: connection.proof?.mutual === true,
  directAddress: connection.remoteAddress,
  remoteAddress: connection.remoteAddress,
  destinationAddress: connection.destinationAddress,
  destinationPort: connection.destinationPort,
  serverName: connection.serverName,
  headers: undefined,
  path: "",
  metadata: () => undefined,
  state: (key) => connection.provenance?.state.get(key),
});
