import type { StringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";
import type { RegexCache } from "./regex.ts";

export type StringTest = (value: string) => boolean;

/** Compiles Envoy's StringMatcher. A matcher without a pattern matches the empty string only. */
export function compileStringMatcher(matcher: StringMatcher, regexes: RegexCache): StringTest {
  const pattern = matcher.matchPattern;
  if (pattern === undefined) return (value) => value === "";
  if (pattern.$case === "safeRegex") return regexes.fullMatch(pattern.value.regex);
  if (pattern.$case === "custom") throw new Error("custom string matchers are not supported");
  if (!matcher.ignoreCase) return plainTest(pattern.$case, pattern.value);
  const test = plainTest(pattern.$case, pattern.value.toLowerCase());
  return (value) => test(value.toLowerCase());
}

function plainTest(kind: "exact" | "prefix" | "suffix" | "contains", text: string): StringTest {
  switch (kind) {
    case "exact":
      return (value) => value === text;
    case "prefix":
      return (value) => value.startsWith(text);
    case "suffix":
      return (value) => value.endsWith(text);
    case "contains":
      return (value) => value.includes(text);
  }
}
