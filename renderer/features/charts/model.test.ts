import { expect, test } from "vitest";
import type { TrafficPoint } from "#api/rpc/telemetry.ts";
import { summarize, versionsOf } from "./model.ts";

const point = (
  versions: Record<string, { answers: number; errors: number; p99Ms: number | undefined }>,
): TrafficPoint => ({
  time: 0,
  sent: 0,
  completed: 0,
  inFlight: 0,
  byStatus: {},
  byVersion: { cart: versions },
  errors: {},
  p50Ms: undefined,
  p90Ms: undefined,
  p99Ms: undefined,
});

test("versions in order, summed over seconds", () => {
  const points = [
    point({ v2: { answers: 10, errors: 5, p99Ms: 40 } }),
    point({ v1: { answers: 30, errors: 0, p99Ms: 8 }, v2: { answers: 0, errors: 0, p99Ms: undefined } }),
  ];
  expect(versionsOf(points, "cart")).toEqual(["v1", "v2"]);
  expect(summarize(points, "cart", "v2")).toEqual({ share: 0.25, errors: 0.5, p99Ms: 40 });
  expect(summarize(points, "none", "v2")).toEqual({ share: 0, errors: 0, p99Ms: undefined });
});
