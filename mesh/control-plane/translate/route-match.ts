import { HeaderMatcher, QueryParameterMatcher, RouteMatch } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { MetadataMatcher } from "#gen/xds/envoy/type/matcher/v3/metadata.ts";
import { StringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";
import type { HttpMatch, StringMatch } from "../model/virtual-service.ts";
import { anyText, claimMatcher, claimOf } from "./route-claims.ts";

/** A match of a VirtualService as Envoy's; what depends on the proxy (gateways, source) is decided before. */
export function buildMatch(match: HttpMatch | undefined): RouteMatch {
  return {
    ...RouteMatch.fromPartial({}),
    pathSpecifier: pathSpecifier(match?.uri),
    ...(match?.ignoreUriCase === true ? { caseSensitive: false } : { caseSensitive: true }),
    headers: match === undefined ? [] : headerMatchers(match),
    dynamicMetadata: match === undefined ? [] : claimMatchers(match),
    queryParameters: sorted(match?.queryParams).map(([name, value]) => queryMatcher(name, value)),
  };
}

/** Whether every request matches, so that routes behind it are never reached. */
export function isCatchAll(match: HttpMatch | undefined): boolean {
  if (match === undefined) return true;
  const { uri, headers, withoutHeaders, queryParams, method, scheme, authority } = match;
  const anyPath = uri === undefined || uri.prefix === "/" || uri.regex === ".*" || isPresence(uri);
  const conditions = { ...headers, ...withoutHeaders, ...queryParams };
  const others = [method, scheme, authority].some((value) => value !== undefined);
  return anyPath && Object.keys(conditions).length === 0 && !others;
}

function pathSpecifier(uri: StringMatch | undefined): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { $case: "path", value: uri.exact };
  if (uri?.regex !== undefined) return { $case: "safeRegex", value: { engineType: undefined, regex: uri.regex } };
  return { $case: "prefix", value: uri?.prefix ?? "/" };
}

function headerMatchers(match: HttpMatch): HeaderMatcher[] {
  const pseudo: readonly (readonly [string, StringMatch | undefined])[] = [
    [":method", match.method],
    [":authority", match.authority],
    [":scheme", match.scheme],
  ];
  return [
    ...headersOf(match.headers).map(([name, value]) => headerMatcher(name, value)),
    ...headersOf(match.withoutHeaders).map(([name, value]) => withoutHeader(name, value)),
    ...pseudo.flatMap(([name, value]) => (value === undefined ? [] : [headerMatcher(name, value)])),
  ];
}

/** Keys that mean claims are no headers. */
const headersOf = (matches: HttpMatch["headers"]): readonly (readonly [string, StringMatch])[] =>
  sorted(matches).filter(([name]) => claimOf(name) === undefined);

function claimMatchers({ headers, withoutHeaders }: HttpMatch): MetadataMatcher[] {
  const of = (matches: HttpMatch["headers"], invert: boolean): MetadataMatcher[] =>
    sorted(matches).flatMap(([key, match]) => {
      const claim = claimOf(key);
      if (claim === undefined) return [];
      return [claimMatcher(claim, stringMatcher(isPresence(match) ? anyText : match), invert)];
    });
  return [...of(headers, false), ...of(withoutHeaders, true)];
}

const sorted = <Value>(record: Readonly<Record<string, Value>> | undefined): readonly (readonly [string, Value])[] =>
  Object.entries(record ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));

const isPresence = (match: StringMatch): boolean =>
  match.exact === undefined && match.prefix === undefined && match.regex === undefined;

function headerMatcher(name: string, match: StringMatch): HeaderMatcher {
  const headerMatchSpecifier: HeaderMatcher["headerMatchSpecifier"] = isPresence(match)
    ? { $case: "presentMatch", value: true }
    : { $case: "stringMatch", value: stringMatcher(match) };
  return { ...HeaderMatcher.fromPartial({ name }), headerMatchSpecifier };
}

/** A request without the header fits a value that must not be there: an absent header counts as an empty one. */
const withoutHeader = (name: string, match: StringMatch): HeaderMatcher => ({
  ...headerMatcher(name, match),
  invertMatch: true,
  treatMissingHeaderAsEmpty: !isPresence(match),
});

function queryMatcher(name: string, match: StringMatch): QueryParameterMatcher {
  const queryParameterMatchSpecifier: QueryParameterMatcher["queryParameterMatchSpecifier"] = isPresence(match)
    ? { $case: "presentMatch", value: true }
    : { $case: "stringMatch", value: stringMatcher(match) };
  return { ...QueryParameterMatcher.fromPartial({ name }), queryParameterMatchSpecifier };
}

/** A string match with a value; also for CORS origins. */
export function stringMatcher(match: StringMatch): StringMatcher {
  return { ...StringMatcher.fromPartial({}), matchPattern: matchPattern(match) };
}

function matchPattern(match: StringMatch): StringMatcher["matchPattern"] {
  if (match.exact !== undefined) return { $case: "exact", value: match.exact };
  if (match.prefix !== undefined) return { $case: "prefix", value: match.prefix };
  return { $case: "safeRegex", value: { engineType: undefined, regex: match.regex ?? ".*" } };
}
