import { describe, expect, it } from "vitest";
import { OutlierDetection } from "#gen/xds/envoy/config/cluster/v3/outlier_detection.ts";
import { breakerLimits, CircuitBreaker } from "./circuit-breaker.ts";
import { compileOutlierPolicy, eject, noteLocalFailure, noteStatus, OutlierState, review } from "./outlier.ts";

const policyOf = (json: object) => compileOutlierPolicy(OutlierDetection.fromJSON(json));

describe("outlier detection", () => {
  it("counts failures in a row only", () => {
    const policy = policyOf({ consecutive5xx: 3 });
    const state = new OutlierState();
    const statuses = [500, 500, 200, 500, 500, 500];
    expect(statuses.map((status) => noteStatus(policy, state, status))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  it("counts gateway failures apart where told to", () => {
    const policy = policyOf({
      enforcingConsecutive5xx: 0,
      consecutiveGatewayFailure: 2,
      enforcingConsecutiveGatewayFailure: 100,
    });
    const state = new OutlierState();
    expect([503, 500, 503].map((status) => noteStatus(policy, state, status))).toEqual([false, false, false]);
    expect(noteLocalFailure(policy, state)).toBe(true);
  });

  it("ejects within its share, longer each time, and takes hosts back", () => {
    const policy = policyOf({ baseEjectionTime: { seconds: 10 }, maxEjectionPercent: 50 });
    const [first, second, third] = [new OutlierState(), new OutlierState(), new OutlierState()];
    expect(eject(policy, first, { hosts: 4, ejected: 0, now: 0 })).toBe(true);
    expect(eject(policy, second, { hosts: 4, ejected: 1, now: 0 })).toBe(true);
    expect(eject(policy, third, { hosts: 4, ejected: 2, now: 0 })).toBe(false);
    expect(review(first, 9_999)).toBe(false);
    expect(review(first, 10_000)).toBe(true);
    expect(first.ejected).toBe(false);
    eject(policy, first, { hosts: 4, ejected: 1, now: 10_000 });
    expect(first.ejectedUntil).toBe(30_000);
  });
});

describe("circuit breakers", () => {
  it("have Envoy's defaults", () => {
    expect(breakerLimits(undefined)).toEqual({
      maxConnections: 1024,
      maxPendingRequests: 1024,
      maxRequests: 1024,
      maxRetries: 3,
    });
  });
  it("say when they are full", () => {
    const breaker = new CircuitBreaker({ maxConnections: 1, maxPendingRequests: 0, maxRequests: 2, maxRetries: 1 });
    breaker.connections = 1;
    breaker.requests = 1;
    expect([breaker.canConnect, breaker.canQueue, breaker.canRequest, breaker.canRetry]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
