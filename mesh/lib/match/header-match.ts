import type { HeaderMatcher } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { RegexCache } from "./regex.ts";
import { compileStringMatcher, type StringTest } from "./string-match.ts";

/** Anything that knows header values by lower-case name; several lines of one name are joined with commas. */
export interface HeaderSource {
  get(name: string): string | undefined;
}

/** One that also knows the lines of a name apart. */
export interface HeaderLines extends HeaderSource {
  values(name: string): readonly string[];
}

export type HeaderTest = (headers: HeaderSource) => boolean;

/** Compiles one HeaderMatcher with Envoy's rules for missing headers: a value test fails, inverted or not, unless told otherwise. */
export function compileHeaderMatcher(matcher: HeaderMatcher, regexes: RegexCache): HeaderTest {
  const name = matcher.name.toLowerCase();
  const wanted = !matcher.invertMatch;
  const specifier = matcher.headerMatchSpecifier;
  if (specifier === undefined) return (headers) => (headers.get(name) !== undefined) === wanted;
  if (specifier.$case === "presentMatch") {
    const present = specifier.value === wanted;
    return (headers) => (headers.get(name) !== undefined) === present;
  }
  const test = valueTest(specifier, regexes);
  const missing = matcher.treatMissingHeaderAsEmpty ? "" : undefined;
  return (headers) => {
    const value = headers.get(name) ?? missing;
    // Envoy: an absent header fails any value match; only the inverted form then holds.
    if (value === undefined) return !wanted;
    return test(value) === wanted;
  };
}

/**
 * As `compileHeaderMatcher`, but each line of a name is tested for itself, and one that fits is enough: who adds a line hides
 * nothing from a policy. Source: Envoy's RBAC filter.
 */
export function compileEachHeaderMatcher(
  matcher: HeaderMatcher,
  regexes: RegexCache,
): (headers: HeaderLines) => boolean {
  const { headerMatchSpecifier: specifier } = matcher;
  const joined = compileHeaderMatcher(matcher, regexes);
  if (specifier === undefined || specifier.$case === "presentMatch") return joined;
  const name = matcher.name.toLowerCase();
  const test = valueTest(specifier, regexes);
  return (headers) => {
    const values = headers.values(name);
    return values.length < 2 ? joined(headers) : values.some(test) !== matcher.invertMatch;
  };
}

type ValueSpecifier = Exclude<NonNullable<HeaderMatcher["headerMatchSpecifier"]>, { $case: "presentMatch" }>;

function valueTest(specifier: ValueSpecifier, regexes: RegexCache): StringTest {
  const { $case: kind, value } = specifier;
  switch (kind) {
    case "exactMatch":
      return (text) => text === value;
    case "prefixMatch":
      return (text) => text.startsWith(value);
    case "suffixMatch":
      return (text) => text.endsWith(value);
    case "containsMatch":
      return (text) => text.includes(value);
    case "safeRegexMatch":
      return regexes.fullMatch(value.regex);
    case "stringMatch":
      return compileStringMatcher(value, regexes);
    case "rangeMatch":
      return (text) => /^-?\d+$/.test(text) && Number(text) >= value.start && Number(text) < value.end;
  }
}

/** All of them must hold. */
export function compileHeaderMatchers(matchers: readonly HeaderMatcher[], regexes: RegexCache): HeaderTest | undefined {
  if (matchers.length === 0) return undefined;
  const tests = matchers.map((matcher) => compileHeaderMatcher(matcher, regexes));
  if (tests.length === 1) return tests[0];
  return (headers) => tests.every((test) => test(headers));
}
