import type { MetadataMatcher } from "#gen/xds/envoy/type/matcher/v3/metadata.ts";
import type { StringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";
import type { ValueMatcher } from "#gen/xds/envoy/type/matcher/v3/value.ts";
import type { StringMatch, VirtualServiceSpec } from "../model/virtual-service.ts";
import { PAYLOAD, TOKEN_FILTER } from "./authentication/token-metadata.ts";

const PREFIX = "@request.auth.claims";

/**
 * The claim that a header key of a VirtualService means: `@request.auth.claims.a.b`, or `@request.auth.claims[a][b]` for names with
 * dots. Undefined for a header. Source: Istio, "JWT claim based routing".
 */
export function claimOf(key: string): readonly string[] | undefined {
  if (!key.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = key.slice(PREFIX.length);
  if (/^(?:\[[^\]]+\])+$/.test(rest)) return rest.slice(1, -1).split("][");
  if (!/^(?:\.[^.]+)+$/.test(rest)) return undefined;
  return rest.slice(1).split(".");
}

/** Whether a VirtualService asks for claims anywhere. */
export const routesOnClaims = ({ http }: VirtualServiceSpec): boolean =>
  (http ?? [])
    .flatMap(({ match }) => match ?? [])
    .flatMap(({ headers, withoutHeaders }) => Object.keys({ ...headers, ...withoutHeaders }))
    .some((key) => claimOf(key) !== undefined);

/** Asks for a claim of a token that was verified: its text, or one item of a list. No header can stand in for it. */
export function claimMatcher(claim: readonly string[], text: StringMatcher, invert: boolean): MetadataMatcher {
  const value: ValueMatcher = { matchPattern: { $case: "stringMatch", value: text } };
  const inList: ValueMatcher = {
    matchPattern: { $case: "listMatch", value: { matchPattern: { $case: "oneOf", value } } },
  };
  return {
    filter: TOKEN_FILTER,
    path: [PAYLOAD, ...claim].map((key) => ({ segment: { $case: "key" as const, value: key } })),
    value: { matchPattern: { $case: "orMatch", value: { valueMatchers: [value, inList] } } },
    invert,
  };
}

/** For a claim that only has to be there. */
export const anyText: StringMatch = { regex: ".*" };
