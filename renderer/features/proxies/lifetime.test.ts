import { expect, test } from "vitest";
import { remainingLife, shareOver } from "./lifetime.ts";

const now = Date.parse("2026-11-28T12:00:00Z");

test.each([
  ["2036-11-20T12:00:00Z", "9 years"],
  ["2026-12-08T12:00:00Z", "10 days"],
  ["2026-11-29T11:00:00Z", "23 h"],
  ["2026-11-28T12:30:00Z", "30 min"],
  ["2026-11-28T12:01:00Z", "60 s"],
  ["2026-11-28T11:59:59Z", "ended"],
])("what ends at %s has %s", (end, text) => {
  expect(remainingLife(end, now)).toBe(text);
});

test("the share of a life that is over stays between none and all of it", () => {
  const life = { notBefore: "2026-11-28T11:00:00Z", notAfter: "2026-11-28T13:00:00Z" };
  expect(shareOver(life, now)).toBe(0.5);
  expect(shareOver(life, 0)).toBe(0);
  expect(shareOver(life, now * 2)).toBe(1);
});
