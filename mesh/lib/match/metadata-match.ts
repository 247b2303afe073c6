import type { MetadataMatcher } from "#gen/xds/envoy/type/matcher/v3/metadata.ts";
import type { ValueMatcher } from "#gen/xds/envoy/type/matcher/v3/value.ts";
import type { RegexCache } from "./regex.ts";
import { compileStringMatcher } from "./string-match.ts";

/** What filters found out about a request, such as the claims of its token. */
export interface MetadataSource {
  /** The value under a path of keys, of what a filter left behind. */
  metadata(filter: string, path: readonly string[]): unknown;
}

/** Compiles a test of what filters found out. Throws for values that are not supported: to leave one out could let somebody in. */
export function compileMetadataMatcher(
  { filter, path, value, invert }: MetadataMatcher,
  regexes: RegexCache,
): (source: MetadataSource) => boolean {
  const keys = path.map(({ segment }) => segment?.value ?? "");
  const test = value === undefined ? () => false : valueTest(value, regexes);
  return (source) => test(source.metadata(filter, keys)) !== invert;
}

/** Walks into a value by keys; undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  // Own fields only: no claim is called `constructor` by itself.
  for (const key of path) at = isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function valueTest({ matchPattern }: ValueMatcher, regexes: RegexCache): (value: unknown) => boolean {
  switch (matchPattern?.$case) {
    case "stringMatch": {
      const test = compileStringMatcher(matchPattern.value, regexes);
      return (value) => typeof value === "string" && test(value);
    }
    case "listMatch": {
      const one = matchPattern.value.matchPattern;
      if (one === undefined) throw new Error("a list without a pattern is not supported");
      const test = valueTest(one.value, regexes);
      return (value) => Array.isArray(value) && value.some(test);
    }
    case "orMatch": {
      const tests = matchPattern.value.valueMatchers.map((one) => valueTest(one, regexes));
      return (value) => tests.some((test) => test(value));
    }
    case "boolMatch":
      return (value) => value === matchPattern.value;
    case "presentMatch":
      return (value) => (value !== undefined) === matchPattern.value;
    case "nullMatch":
      return (value) => value === null;
    default:
      throw new Error(`values of the kind ${matchPattern?.$case ?? "none"} are not supported`);
  }
}
