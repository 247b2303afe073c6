import { expect, test } from "vitest";
import { Arrivals } from "./arrivals.ts";

test("waits for all, in any order", async () => {
  const arrivals = new Arrivals();
  const both = arrivals.all(() => ["a", "b"], 60_000);
  arrivals.add(["b"]);
  arrivals.add(["a"]);
  expect(await both).toEqual([]);
});

test("says what is missing after the limit", async () => {
  const arrivals = new Arrivals();
  arrivals.add(["a"]);
  expect(await arrivals.all(() => ["a", "b"], 1)).toEqual(["b"]);
});

test("stops waiting for what is no longer wanted", async () => {
  const arrivals = new Arrivals();
  let wanted = ["a"];
  const wait = arrivals.all(() => wanted, 60_000);
  wanted = [];
  arrivals.check();
  expect(await wait).toEqual([]);
});
