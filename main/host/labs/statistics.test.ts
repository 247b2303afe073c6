import { describe, expect, test } from "vitest";
import { acceptance, binomial, FALSE_ALARM, MISSED, missProbability, sampleFor } from "./statistics.ts";

const sum = (values: Float64Array, from = 0, to = values.length - 1): number => {
  let total = 0;
  for (let i = from; i <= to; i++) total += values[i]!;
  return total;
};

describe("binomial", () => {
  test.each([
    [10, 0.5],
    [1000, 0.1],
    [5000, 0.999],
  ])("%i tries with share %d sum to one", (n, share) => {
    expect(sum(binomial(n, share))).toBeCloseTo(1, 9);
  });

  test("a share of zero or one leaves no chance", () => {
    expect(acceptance(500, 0)).toEqual({ low: 0, high: 0 });
    expect(acceptance(500, 1)).toEqual({ low: 500, high: 500 });
  });
});

describe("acceptance", () => {
  test.each([
    [400, 0.1],
    [1000, 0.1],
    [1000, 0.5],
    [200, 0.9],
  ])("of %i with share %d fails a right answer at most once in a million", (n, share) => {
    const { low, high } = acceptance(n, share);
    expect(1 - sum(binomial(n, share), low, high)).toBeLessThanOrEqual(FALSE_ALARM + 1e-9);
  });

  test("a wider sample tells a tenth from a fifth", () => {
    expect(missProbability(200, 0.1, 0.2)).toBeGreaterThan(MISSED);
    expect(missProbability(1000, 0.1, 0.2)).toBeLessThan(MISSED);
  });

  test("sampleFor finds a sample that suffices, and none for equal shares", () => {
    const n = sampleFor(0.1, 0.2)!;
    expect(missProbability(n, 0.1, 0.2)).toBeLessThanOrEqual(MISSED);
    expect(sampleFor(0.1, 0.1)).toBeUndefined();
  });
});
