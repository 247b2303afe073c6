import { describe, expect, it } from "vitest";
import { HeaderMatcher } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { compileCidr } from "./cidr.ts";
import { DomainMatcher, withoutPort } from "./domain-match.ts";
import { compileHeaderMatcher } from "./header-match.ts";
import { RegexCache } from "./regex.ts";

describe("domains", () => {
  const matcher = new DomainMatcher<string>();
  for (const domain of ["cart", "*.shop.com", "*.eu.shop.com", "cart.*", "cart.shop.*", "*"])
    matcher.add(domain, domain);
  it.each([
    ["cart", "cart"],
    ["CART", "cart"],
    ["a.shop.com", "*.shop.com"],
    ["a.eu.shop.com", "*.eu.shop.com"],
    [".shop.com", "*"],
    ["cart.org", "cart.*"],
    ["cart.shop.org", "cart.shop.*"],
    ["other", "*"],
  ])("%s is found in %s", (authority, domain) => {
    expect(matcher.find(authority)).toBe(domain);
  });
  it("refuses a domain twice", () => {
    expect(() => matcher.add("Cart", "again")).toThrow("cart");
  });
  it.each([
    ["cart:80", "cart"],
    ["cart", "cart"],
    ["[::1]:80", "[::1]"],
    ["[::1]", "[::1]"],
  ])("%s without its port is %s", (authority, expected) => {
    expect(withoutPort(authority)).toBe(expected);
  });
});

describe("headers", () => {
  const headers = (value: string | undefined) => ({ get: (name: string) => (name === "user" ? value : undefined) });
  const cases: readonly (readonly [object, string | undefined, boolean])[] = [
    [{ presentMatch: true }, "x", true],
    [{ presentMatch: true }, undefined, false],
    [{ presentMatch: true, invertMatch: true }, undefined, true],
    [{ presentMatch: false }, undefined, true],
    [{ exactMatch: "jo" }, "jo", true],
    [{ exactMatch: "jo" }, "joe", false],
    [{ exactMatch: "jo" }, undefined, false],
    [{ exactMatch: "jo", invertMatch: true }, "joe", true],
    [{ prefixMatch: "j" }, "joe", true],
    [{ suffixMatch: "e" }, "joe", true],
    [{ containsMatch: "o" }, "joe", true],
    [{ safeRegexMatch: { regex: "j.*" } }, "joe", true],
    [{ safeRegexMatch: { regex: "j" } }, "joe", false],
    [{ rangeMatch: { start: 1, end: 3 } }, "2", true],
    [{ rangeMatch: { start: 1, end: 3 } }, "3", false],
    [{ stringMatch: { exact: "JO", ignoreCase: true } }, "jo", true],
    [{ stringMatch: { exact: "" }, treatMissingHeaderAsEmpty: true }, undefined, true],
  ];
  it.each(cases)("%j with %s is %s", (matcher, value, expected) => {
    const test = compileHeaderMatcher(HeaderMatcher.fromJSON({ name: "User", ...matcher }), new RegexCache());
    expect(test(headers(value))).toBe(expected);
  });
});

describe("regular expressions", () => {
  it("rewrite with groups", () => {
    expect(new RegexCache().rewrite("^/v1/(.*)$", "/\\1/$x")("/v1/cart")).toBe("/cart/$x");
  });
});

it("address ranges", () => {
  const range = compileCidr({ addressPrefix: "10.0.0.0", prefixLen: 8 });
  expect([range.contains("10.1.2.3"), range.contains("::ffff:10.1.2.3"), range.contains("11.0.0.1")]).toEqual([
    true,
    true,
    false,
  ]);
});
