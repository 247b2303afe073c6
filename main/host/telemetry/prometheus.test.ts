import { describe, expect, test } from "vitest";
import { increase, parseSample, quantile, SeriesNames } from "./prometheus.ts";

const text = `# HELP istio_requests_total requests
# TYPE istio_requests_total counter
istio_requests_total{reporter="source",destination_version="v1"} 41
istio_requests_total{reporter="source",destination_version="v\\"2"} 7
envoy_other{} 3
istio_broken{a="b"} x
`;

describe("parseSample", () => {
  test("keeps what has the prefix and a number", () => {
    const sample = parseSample(text, 5, "istio_");
    expect([...sample.values]).toEqual([
      ['istio_requests_total{reporter="source",destination_version="v1"}', 41],
      ['istio_requests_total{reporter="source",destination_version="v\\"2"}', 7],
    ]);
  });
});

describe("SeriesNames", () => {
  test.each([
    ["up", "up", {}],
    ['a{b="c"}', "a", { b: "c" }],
    ['a{b="c",d="e,f}"}', "a", { b: "c", d: "e,f}" }],
    ['a{b="x\\"y\\\\z\\n"}', "a", { b: 'x"y\\z\n' }],
  ])("%s", (series, name, labels) => {
    expect(new SeriesNames().parse(series)).toEqual({ name, labels });
  });
});

describe("increase", () => {
  const at = (value: number) => ({ time: 0, values: new Map([["a", value]]) });
  test.each([
    [undefined, at(5), 5],
    [at(5), at(9), 4],
    [at(9), at(2), 2],
  ])("case %#", (from, to, expected) => {
    expect(increase("a", from, to)).toBe(expected);
  });
});

describe("quantile", () => {
  const buckets = [
    { le: 10, count: 50 },
    { le: 100, count: 90 },
    { le: Number.POSITIVE_INFINITY, count: 100 },
  ];
  test.each([
    [0.5, 10],
    [0.7, 55],
    [0.99, 100],
  ])("%d", (q, expected) => {
    expect(quantile(buckets, q)).toBeCloseTo(expected, 6);
  });
  test("of nothing is undefined", () => expect(quantile([], 0.5)).toBeUndefined());
});
