import { JwtAuthentication, type RequirementRule } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import { AudienceError } from "../../lib/jwt/claims.ts";
import type { TokenError } from "../../lib/jwt/token.ts";
import type { Verdict } from "../../lib/jwt/verifier.ts";
import type { FilterExchange, FilterFactory, FilterVerdict, HttpFilter } from "./filter.ts";
import type { TokenLocation } from "./jwt-location.ts";
import { type CompiledProvider, compileProvider } from "./jwt-provider.ts";
import { compileRequirement, type RequirementTest, type TokenState } from "./jwt-requirement.ts";

const NAME = "envoy.filters.http.jwt_authn";

/** Reads tokens and refuses bad ones (Envoy's jwt_authn); what good ones say is there for the filters after it. */
export const jwtAuthnFilter: FilterFactory = {
  name: NAME,
  create: (config): HttpFilter | undefined => {
    if (config === undefined) return undefined;
    const { providers, rules, bypassCorsPreflight, requirementMap, filterStateRules } = JwtAuthentication.decode(
      config.value,
    );
    if (filterStateRules !== undefined) throw new Error("JWT rules by filter state are not supported");
    const compiled = Object.entries(providers).map(([name, provider]) => compileProvider(name, provider));
    const names = new Set(compiled.map(({ name }) => name));
    const [rule, ...others] = rules;
    if (rule === undefined) return undefined;
    if (others.length > 0 || !matchesAll(rule)) throw new Error("JWT rules by path are not supported");
    const requirement =
      rule.requirementType?.$case === "requirementName"
        ? requirementMap[rule.requirementType.value]
        : rule.requirementType?.value;
    const test: RequirementTest = requirement === undefined ? () => "good" : compileRequirement(requirement, names);
    return {
      name: NAME,
      guards: true,
      onRequest: (exchange) => {
        for (const provider of compiled) provider.sanitize(exchange.head);
        if (bypassCorsPreflight && isPreflight(exchange)) return "continue";
        return new Reading(exchange, compiled, test).begin();
      },
    };
  },
};

/** As Istio has it: the same for all requests. */
const matchesAll = ({ match }: RequirementRule): boolean =>
  match === undefined || (match.pathSpecifier?.$case === "prefix" && match.pathSpecifier.value === "/");

const isPreflight = ({ head }: FilterExchange): boolean =>
  head.method === "OPTIONS" && head.has("origin") && head.has("access-control-request-method");

interface Found {
  readonly provider: CompiledProvider;
  readonly location: TokenLocation;
  readonly verdict: Verdict;
}

/** The tokens of one request: found, judged, and what follows. */
class Reading {
  readonly #exchange: FilterExchange;
  readonly #providers: readonly CompiledProvider[];
  readonly #test: RequirementTest;
  #over = false;

  constructor(exchange: FilterExchange, providers: readonly CompiledProvider[], test: RequirementTest) {
    this.#exchange = exchange;
    this.#providers = providers;
    this.#test = test;
  }

  begin(): FilterVerdict {
    const { head } = this.#exchange;
    const found = this.#providers.flatMap((provider) =>
      provider.locations.flatMap((location) => {
        const token = location.find(head);
        return token === undefined ? [] : [{ provider, location, verdict: provider.judge(token) }];
      }),
    );
    const settled = found.filter(isSettled);
    if (settled.length === found.length) return this.#conclude(settled) ? "continue" : "stop";
    // The exchange serves other requests later.
    this.#exchange.onEnd(() => {
      this.#over = true;
    });
    void Promise.all(found.map(async (one) => ({ ...one, verdict: await one.verdict }))).then((all) => {
      if (!this.#over && this.#conclude(all)) this.#exchange.proceed();
    });
    return "stop";
  }

  /** Whether the request goes on; else it was answered. */
  #conclude(found: readonly Found[]): boolean {
    const byProvider = Map.groupBy(found, ({ provider }) => provider.name);
    const state = this.#test((name) => stateOf(byProvider.get(name) ?? []));
    if (state !== "good") {
      this.#refuse(state);
      return false;
    }
    for (const { provider, location, verdict } of found) {
      if (!verdict.good) continue;
      const said = provider.deliver(verdict.token, { head: this.#exchange.head, location });
      const before = this.#exchange.metadata.get(NAME);
      this.#exchange.metadata.set(NAME, { ...(before as object | undefined), ...said });
    }
    if (found.some(({ provider, verdict }) => verdict.good && provider.clearsRoute)) this.#exchange.refreshRoute();
    return true;
  }

  #refuse(state: "missing" | TokenError): void {
    const { head } = this.#exchange;
    const text = state === "missing" ? "Jwt is missing" : state.message;
    const realm = `http://${head.authority}${head.path}`.replaceAll(/["\\]/g, "");
    // RFC 6750 3.1: only somebody who brought a token is told that it is not good.
    const challenge = `Bearer realm="${realm}"${state === "missing" ? "" : ', error="invalid_token"'}`;
    this.#exchange.reply({
      status: state instanceof AudienceError ? 403 : 401,
      body: text,
      flags: "",
      details: `jwt_authn_access_denied{${text.replaceAll(/\s/g, "_")}}`,
      headers: [["www-authenticate", challenge]],
    });
  }
}

const isSettled = <One extends { readonly verdict: Verdict | Promise<Verdict> }>(
  one: One,
): one is One & { readonly verdict: Verdict } => !(one.verdict instanceof Promise);

/** One good token of several is enough. */
function stateOf(found: readonly Found[]): TokenState {
  if (found.length === 0) return "missing";
  const bad = found.map(({ verdict }) => verdict).filter((verdict) => !verdict.good);
  return bad.length < found.length ? "good" : (bad.at(-1)?.error ?? "missing");
}
