import { describe, expect, it } from "vitest";
import { RetryPolicy } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { RegexCache } from "../match/regex.ts";
import { backOffMs, compileRetryPolicy } from "./retry-policy.ts";

const none = { get: () => undefined };
const compile = (json: object) => compileRetryPolicy(RetryPolicy.fromJSON(json), new RegexCache());

describe("retry policies", () => {
  const istio = compile({
    retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
    retriableStatusCodes: [503],
    numRetries: 2,
  });
  it("follow Istio's default", () => {
    expect(istio.retries).toBe(2);
    expect(istio.retriesFailure("connect-failure")).toBe(true);
    expect(istio.retriesFailure("reset")).toBe(false);
    expect([500, 502, 503, 504].map((status) => istio.retriesResponse(status, none))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it.each([
    ["5xx", [500, 503, 504], true],
    ["gateway-error", [502, 503, 504], true],
    ["retriable-4xx", [409], false],
  ] as const)("know %s", (retryOn, statuses, resets) => {
    const policy = compile({ retryOn });
    for (const status of statuses) expect(policy.retriesResponse(status, none)).toBe(true);
    expect(policy.retriesResponse(200, none)).toBe(false);
    expect(policy.retriesFailure("reset")).toBe(resets);
  });

  it("back off longer with each attempt, up to the maximum", () => {
    const policy = compile({
      retryOn: "5xx",
      retryBackOff: { baseInterval: { nanos: 10e6 }, maxInterval: { nanos: 50e6 } },
    });
    const longest = () => 1;
    expect([1, 2, 3, 4].map((attempt) => backOffMs(policy, attempt, longest))).toEqual([10, 30, 50, 50]);
    expect(backOffMs(policy, 3, () => 0)).toBe(0);
  });
});
