import {
  JwtAuthentication,
  JwtProvider,
  JwtRequirement,
} from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import type { HttpFilter } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { type JwtRule, keySourceOf } from "../../model/request-authentication.ts";
import type { ProxyNode, Snapshot } from "../../model/snapshot.ts";
import { pack } from "../any.ts";
import { inForceFor, type PolicyTarget } from "../policy-target.ts";
import { buildMatch } from "../route-match.ts";
import { PAYLOAD, TOKEN_FILTER } from "./token-metadata.ts";

/** Claims that are lists in spite of being text. Source: Istio's RequestAuthentication. */
const SPACE_DELIMITED = ["scope", "permission"];

/** With these no token is good. */
const NO_KEYS = '{"keys":[]}';

/**
 * The filter that reads tokens, if any RequestAuthentication is for this proxy. The rules of all of them count together. What a
 * token says is left for policies; a request without one goes on, one with a bad one does not.
 */
export function jwtAuthentication(
  snapshot: Pick<Snapshot, "requestAuthentications" | "keySets" | "mesh">,
  target: PolicyTarget & Pick<ProxyNode, "type">,
): readonly HttpFilter[] {
  const { requestAuthentications, keySets, mesh } = snapshot;
  const rules = inForceFor(requestAuthentications, target, mesh.rootNamespace)
    .flatMap(({ spec }) => spec.jwtRules)
    .toSorted((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : 0));
  if (rules.length === 0) return [];
  const providers = Object.fromEntries(
    rules.map((rule, index) => [nameOf(index), providerOf(rule, keySets, target.type)]),
  );
  const value = {
    ...JwtAuthentication.fromPartial({ bypassCorsPreflight: true }),
    providers,
    rules: [
      {
        match: buildMatch(undefined),
        requirementType: { $case: "requires" as const, value: requirementOf(rules.length) },
      },
    ],
  };
  const typedConfig = pack("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", JwtAuthentication, value);
  return [
    {
      name: TOKEN_FILTER,
      configType: { $case: "typedConfig", value: typedConfig },
      isOptional: false,
      disabled: false,
    },
  ];
}

const nameOf = (index: number): string => `origins-${index}`;

function providerOf(rule: JwtRule, keySets: ReadonlyMap<string, string>, proxyType: ProxyNode["type"]): JwtProvider {
  const source = keySourceOf(rule);
  const keys = source === undefined ? rule.jwks : keySets.get(source.url);
  return JwtProvider.fromPartial({
    issuer: rule.issuer,
    audiences: rule.audiences,
    jwksSourceSpecifier: {
      $case: "localJwks",
      value: { specifier: { $case: "inlineString", value: keys ?? NO_KEYS } },
    },
    forward: rule.forwardOriginalToken,
    fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
    fromParams: rule.fromParams,
    fromCookies: rule.fromCookies,
    // Gateways route on claims.
    clearRouteCache: proxyType === "router",
    forwardPayloadHeader: rule.outputPayloadToHeader,
    payloadInMetadata: PAYLOAD,
    normalizePayloadInMetadata: { spaceDelimitedClaims: [...SPACE_DELIMITED, ...rule.spaceDelimitedClaims] },
    claimToHeaders: rule.outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
  });
}

const requirement = (requiresType: JwtRequirement["requiresType"]): JwtRequirement => ({
  ...JwtRequirement.fromPartial({}),
  requiresType,
});
const anyOf = (requirements: JwtRequirement[]) => requirement({ $case: "requiresAny", value: { requirements } });

/**
 * Each issuer's token is good or missing. Where several issuers use the same place, a token of one is no good one of the others: so
 * one good token is enough.
 */
function requirementOf(count: number): JwtRequirement {
  const goods = Array.from({ length: count }, (_, index) =>
    requirement({ $case: "providerName", value: nameOf(index) }),
  );
  const missing = requirement({ $case: "allowMissing", value: {} });
  const goodOrMissing = goods.map((good) => anyOf([good, missing]));
  if (goodOrMissing.length === 1) return goodOrMissing[0] ?? missing;
  return anyOf([...goods, requirement({ $case: "requiresAll", value: { requirements: goodOrMissing } })]);
}
