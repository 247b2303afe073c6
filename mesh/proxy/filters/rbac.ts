import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import type { HeaderLines } from "../../lib/match/header-match.ts";
import { valueAt } from "../../lib/match/metadata-match.ts";
import { RegexCache } from "../../lib/match/regex.ts";
import type { PolicyFacts } from "../../lib/policy/facts.ts";
import { compileRbac } from "../../lib/policy/rbac.ts";
import { ASKING, deniedDetails, manifestOf, shadowFindings } from "./denial.ts";
import type { FilterExchange, FilterFactory, HttpFilter } from "./filter.ts";

const NAME = "envoy.filters.http.rbac";

/** Lets requests in or answers 403, by Envoy's role-based access control; rules of a dry run only note what they would do. */
export const rbacFilter: FilterFactory = {
  name: NAME,
  create: (config, { sink }): HttpFilter | undefined => {
    if (config === undefined) return undefined;
    const { rules, shadowRules, matcher, shadowMatcher, shadowRulesStatPrefix: prefix } = RBAC.decode(config.value);
    if (matcher !== undefined || shadowMatcher !== undefined) throw new Error("RBAC by match trees is not supported");
    const regexes = new RegexCache();
    const enforce = rules === undefined ? undefined : compileRbac(rules, regexes);
    const shadow = shadowRules === undefined ? undefined : compileRbac(shadowRules, regexes);
    if (enforce === undefined && shadow === undefined) return undefined;
    const facts = new RequestFacts();
    return {
      name: NAME,
      guards: true,
      onRequest: (exchange) => {
        facts.exchange = exchange;
        if (shadow !== undefined) {
          const verdict = shadow(facts);
          const before = exchange.metadata.get(NAME) as object | undefined;
          exchange.metadata.set(NAME, { ...before, ...shadowFindings(prefix, verdict) });
          if (prefix !== ASKING) sink.decided?.(verdict.policy, verdict.allowed ? "shadow_allowed" : "shadow_denied");
        }
        if (enforce === undefined) return "continue";
        const { policy, allowed } = enforce(facts);
        sink.decided?.(policy, allowed ? "allowed" : "denied");
        if (allowed) return "continue";
        const details = deniedDetails(policy);
        exchange.reply({ status: 403, body: "RBAC: access denied", flags: "", details, ...manifestOf(policy) });
        return "stop";
      },
    };
  },
};

/** The exchange as rules see it. One object serves all requests: rules are evaluated at once. */
class RequestFacts implements PolicyFacts {
  exchange: FilterExchange | undefined;

  get principal(): string {
    return this.exchange?.connection.proof?.peerUri ?? "";
  }

  get mutual(): boolean {
    return this.exchange?.connection.proof?.mutual === true;
  }

  get directAddress(): string {
    return this.exchange?.connection.remoteAddress ?? "";
  }

  get remoteAddress(): string {
    return this.exchange?.clientAddress ?? "";
  }

  get destinationAddress(): string {
    return this.exchange?.connection.destinationAddress ?? "";
  }

  get destinationPort(): number {
    return this.exchange?.connection.destinationPort ?? 0;
  }

  get serverName(): string {
    return this.exchange?.connection.serverName ?? "";
  }

  get headers(): HeaderLines | undefined {
    return this.exchange?.head;
  }

  get path(): string {
    const path = this.exchange?.head.path ?? "";
    const end = path.search(/[?#]/);
    return end < 0 ? path : path.slice(0, end);
  }

  state(key: string): string | undefined {
    return this.exchange?.connection.provenance?.state.get(key);
  }

  metadata(filter: string, path: readonly string[]): unknown {
    return valueAt(this.exchange?.metadata.get(filter), path);
  }
}
