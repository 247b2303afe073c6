import { expect, it } from "vitest";
import { normalizePath } from "./path.ts";

const base = { normalize: true, mergeSlashes: false, escapedSlashes: "keep" } as const;

it.each([
  ["/", "/"],
  ["/a/b?c=../d", "/a/b?c=../d"],
  ["/a/./b/../c", "/a/c"],
  ["/../../a", "/a"],
  ["/a/..", "/"],
  ["/a/.", "/a/"],
  ["/a\\b", "/a/b"],
  ["/%61%2e%2E/x", "/a../x"],
  ["/a/%2e%2e/b", "/b"],
  ["/a%2Fb", "/a%2Fb"],
  ["/a%2fb", "/a%2fb"],
  ["/a//b", "/a//b"],
  ["/%zz", "/%zz"],
  ["/a%00b", undefined],
])("%s becomes %s", (target, expected) => {
  expect(normalizePath(target, base)).toBe(expected);
});

it("does with slashes what it is told", () => {
  expect(normalizePath("/a//b", { ...base, mergeSlashes: true })).toBe("/a/b");
  expect(normalizePath("/a%2Fb", { ...base, escapedSlashes: "reject" })).toBeUndefined();
  expect(normalizePath("/a%2F..%5Cb", { ...base, escapedSlashes: "unescape" })).toBe("/b");
});
