import { CidrRange } from "#gen/xds/envoy/config/core/v3/address.ts";
import { HeaderMatcher } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { PathMatcher } from "#gen/xds/envoy/type/matcher/v3/path.ts";
import { RegexMatcher } from "#gen/xds/envoy/type/matcher/v3/regex.ts";
import { StringMatcher } from "#gen/xds/envoy/type/matcher/v3/string.ts";

/** Text as part of a regular expression. */
export const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const regex = (text: string): StringMatcher =>
  StringMatcher.fromPartial({ matchPattern: { $case: "safeRegex", value: RegexMatcher.fromPartial({ regex: text }) } });

/** Istio's wildcards: `*` for anything but nothing, `*suffix`, `prefix*`, else the very text; `before` stands in front of each. */
export function textMatcher(
  value: string,
  options: { readonly before?: string; readonly ignoreCase?: boolean } = {},
): StringMatcher {
  const { before = "", ignoreCase = false } = options;
  if (value === "*") return regex(".+");
  if (value.startsWith("*")) {
    const suffix = value.slice(1);
    if (before !== "") return regex(`${quoted(before)}.*${quoted(suffix)}`);
    return StringMatcher.fromPartial({ ignoreCase, matchPattern: { $case: "suffix", value: suffix } });
  }
  if (value.endsWith("*")) {
    return StringMatcher.fromPartial({
      ignoreCase,
      matchPattern: { $case: "prefix", value: before + value.slice(0, -1) },
    });
  }
  return StringMatcher.fromPartial({ ignoreCase, matchPattern: { $case: "exact", value: before + value } });
}

export const regexMatcher = regex;

/** A header's value; `*` asks for its presence. */
export function headerMatcher(name: string, value: string, ignoreCase = false): HeaderMatcher {
  if (value === "*") {
    return HeaderMatcher.fromPartial({ name, headerMatchSpecifier: { $case: "presentMatch", value: true } });
  }
  return HeaderMatcher.fromPartial({
    name,
    headerMatchSpecifier: { $case: "stringMatch", value: textMatcher(value, { ignoreCase }) },
  });
}

export const pathMatcher = (value: string): PathMatcher =>
  PathMatcher.fromPartial({ rule: { $case: "path", value: value === "*" ? regex(".+") : textMatcher(value) } });

/** One segment `{*}`, the rest `{**}`: as a regular expression over the path without its query. */
export const templateMatcher = (template: string): PathMatcher =>
  PathMatcher.fromPartial({
    rule: {
      $case: "path",
      value: regex(
        template
          .split("/")
          .map((segment) => (segment === "{*}" ? "[^/]+" : segment === "{**}" ? ".*" : quoted(segment)))
          .join("/"),
      ),
    },
  });

/** An address, or a range in CIDR notation. */
export function range(text: string): CidrRange {
  const [addressPrefix = "", length] = text.split("/");
  const whole = addressPrefix.includes(":") ? 128 : 32;
  return CidrRange.fromPartial({ addressPrefix, prefixLen: length === undefined ? whole : Number(length) });
}
