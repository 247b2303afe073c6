import { describe, expect, it } from "vitest";
import { createBalancer, hashText, type Policy } from "./balancer.ts";

/** A generator that anyone can check: Park and Miller's. */
function seeded(): () => number {
  let state = 42;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const hostsOf = (weights: readonly number[]) =>
  weights.map((weight, index) => ({ weight, activeRequests: 0, address: `10.0.0.${index + 1}:80` }));

function counts(policy: Policy, weights: readonly number[], picks: number): readonly number[] {
  const hosts = hostsOf(weights);
  const balancer = createBalancer(policy, hosts, { random: seeded(), choices: 2, ringSize: 1024 });
  const result = weights.map(() => 0);
  for (let pick = 0; pick < picks; pick += 1) {
    const host = balancer.pick(policy.includes("h") && pick >= 0 ? hashText(`key ${pick}`) : undefined);
    const index = hosts.findIndex((one) => one === host);
    result[index] = (result[index] ?? 0) + 1;
  }
  return result;
}

describe("balancers", () => {
  it("go round by weight exactly", () => {
    expect(counts("round_robin", [1, 1, 1], 300)).toEqual([100, 100, 100]);
    expect(counts("round_robin", [1, 2, 5], 800)).toEqual([100, 200, 500]);
  });

  it.each(["random", "least_request", "ring_hash", "maglev"] as const)("spread by weight: %s", (policy) => {
    const [first = 0, second = 0] = counts(policy, [1, 3], 20_000);
    expect(first + second).toBe(20_000);
    expect(first / 20_000).toBeGreaterThan(0.19);
    expect(first / 20_000).toBeLessThan(0.31);
  });

  it("prefer the host with fewer requests", () => {
    const hosts = hostsOf([1, 1]);
    const [busy] = hosts;
    if (busy !== undefined) busy.activeRequests = 10;
    const balancer = createBalancer("least_request", hosts, { random: seeded(), choices: 2, ringSize: 0 });
    let chosen = 0;
    for (let pick = 0; pick < 1000; pick += 1) if (balancer.pick(undefined) === busy) chosen += 1;
    // Only when both choices fall on it.
    expect(chosen).toBeGreaterThan(150);
    expect(chosen).toBeLessThan(350);
  });

  it.each(["ring_hash", "maglev"] as const)("keep most keys where they are when a host goes: %s", (policy) => {
    const options = { random: seeded(), choices: 2, ringSize: 1024 };
    const four = hostsOf([1, 1, 1, 1]);
    const before = createBalancer(policy, four, options);
    const after = createBalancer(policy, four.slice(0, 3), options);
    let moved = 0;
    for (let key = 0; key < 4000; key += 1) {
      const hash = hashText(`user ${key}`);
      const host = before.pick(hash);
      if (host !== four[3] && after.pick(hash) !== host) moved += 1;
    }
    expect(moved).toBeLessThan(600);
  });

  it("has nothing to give without hosts", () => {
    expect(createBalancer("maglev", [], { random: seeded(), choices: 2, ringSize: 1 }).pick(1)).toBeUndefined();
  });
});
