import type { QueryParameterMatcher, RouteMatch } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { fractionOf } from "../../lib/match/fraction.ts";
import { compileHeaderMatchers, type HeaderSource } from "../../lib/match/header-match.ts";
import { compileMetadataMatcher, valueAt } from "../../lib/match/metadata-match.ts";
import type { RegexCache } from "../../lib/match/regex.ts";
import { compileStringMatcher } from "../../lib/match/string-match.ts";

/** What a route is chosen by. Reused from request to request. */
export interface MatchInput {
  /** Path without its query. */
  path: string;
  /** Query without `?`. */
  query: string;
  headers: HeaderSource;
  /** What filters found out, by their names. */
  findings: ReadonlyMap<string, unknown>;
}

export interface CompiledMatch {
  /** Set when only this very path can match. */
  readonly exactPath: string | undefined;
  /** The prefix that matched, for prefix_rewrite. */
  readonly prefix: string | undefined;
  /** Undefined when every request matches. */
  readonly test: ((input: MatchInput) => boolean) | undefined;
}

/** Compiles the conditions of one route; all have to hold. */
export function compileMatch(match: RouteMatch, regexes: RegexCache, random: () => number): CompiledMatch {
  const path = compilePath(match, regexes);
  const tests: ((input: MatchInput) => boolean)[] = path.test === undefined ? [] : [path.test];
  const headers = compileHeaderMatchers(match.headers, regexes);
  if (headers !== undefined) tests.push((input) => headers(input.headers));
  for (const parameter of match.queryParameters) tests.push(compileQuery(parameter, regexes));
  for (const matcher of match.dynamicMetadata) {
    const test = compileMetadataMatcher(matcher, regexes);
    tests.push(({ findings }) => test({ metadata: (filter, path) => valueAt(findings.get(filter), path) }));
  }
  if (match.runtimeFraction !== undefined) {
    const fraction = fractionOf(match.runtimeFraction.defaultValue);
    tests.push(() => random() < fraction);
  }
  if (match.grpc !== undefined) {
    tests.push((input) => (input.headers.get("content-type") ?? "").startsWith("application/grpc"));
  }
  return { exactPath: path.exactPath, prefix: path.prefix, test: join(tests) };
}

function join(tests: readonly ((input: MatchInput) => boolean)[]): CompiledMatch["test"] {
  if (tests.length < 2) return tests[0];
  return (input) => {
    for (const test of tests) if (!test(input)) return false;
    return true;
  };
}

function compilePath(match: RouteMatch, regexes: RegexCache): CompiledMatch {
  const specifier = match.pathSpecifier;
  const fold = match.caseSensitive === false;
  if (specifier === undefined) throw new Error("a route's match has no path");
  switch (specifier.$case) {
    case "prefix":
      return prefixMatch(specifier.value, fold);
    case "pathSeparatedPrefix":
      return separatedPrefixMatch(specifier.value, fold);
    case "path": {
      const wanted = fold ? specifier.value.toLowerCase() : specifier.value;
      if (fold) {
        return { exactPath: undefined, prefix: specifier.value, test: (input) => input.path.toLowerCase() === wanted };
      }
      return { exactPath: wanted, prefix: wanted, test: (input) => input.path === wanted };
    }
    case "safeRegex": {
      const test = regexes.fullMatch(specifier.value.regex);
      return { exactPath: undefined, prefix: undefined, test: (input) => test(input.path) };
    }
    case "connectMatcher":
      return { exactPath: undefined, prefix: undefined, test: () => false };
    case "pathMatchPolicy":
      throw new Error("path match policies are not supported");
  }
}

function prefixMatch(prefix: string, fold: boolean): CompiledMatch {
  if (prefix === "/") return { exactPath: undefined, prefix, test: undefined };
  if (!fold) return { exactPath: undefined, prefix, test: (input) => input.path.startsWith(prefix) };
  const lower = prefix.toLowerCase();
  return { exactPath: undefined, prefix, test: (input) => input.path.toLowerCase().startsWith(lower) };
}

/** Matches the prefix itself and what follows it after a slash. */
function separatedPrefixMatch(prefix: string, fold: boolean): CompiledMatch {
  const wanted = fold ? prefix.toLowerCase() : prefix;
  const below = `${wanted}/`;
  return {
    exactPath: undefined,
    prefix,
    test: (input) => {
      const path = fold ? input.path.toLowerCase() : input.path;
      return path === wanted || path.startsWith(below);
    },
  };
}

function compileQuery(matcher: QueryParameterMatcher, regexes: RegexCache): (input: MatchInput) => boolean {
  const { name, queryParameterMatchSpecifier: specifier } = matcher;
  if (specifier === undefined) return (input) => queryValue(input.query, name) !== undefined;
  if (specifier.$case === "presentMatch")
    return (input) => (queryValue(input.query, name) !== undefined) === specifier.value;
  const test = compileStringMatcher(specifier.value, regexes);
  return (input) => {
    const value = queryValue(input.query, name);
    return value !== undefined && test(value);
  };
}

/** The first value of a parameter as it stands in the query, undecoded, as Envoy compares it. */
export function queryValue(query: string, name: string): string | undefined {
  if (query === "") return undefined;
  for (const part of query.split("&")) {
    const equals = part.indexOf("=");
    if ((equals < 0 ? part : part.slice(0, equals)) === name) return equals < 0 ? "" : part.slice(equals + 1);
  }
  return undefined;
}
