import { expect, test } from "vitest";
import type { Slipway } from "../e2e/support/slipway.ts";

interface Played {
  readonly steps: readonly { readonly id: string; readonly passed: boolean; readonly why?: string }[];
}

/** Every lab but the first, which has a suite of its own, with its steps. */
const labs: readonly (readonly [lab: string, steps: readonly string[]])[] = [
  ["ambient", ["enrol", "strict", "who", "mistake"]],
  ["strict-mtls", ["stranger", "strict", "exception", "one-side"]],
  ["authorization", ["nobody", "who", "what", "deny", "mistake"]],
  ["egress", ["unseen", "closed", "entry", "tls", "gateway", "round"]],
  ["tokens", ["believe", "insist", "claims", "mistake"]],
];

/**
 * The labs, the same on every cluster, one after the other: what a lab leaves behind must not be in the way of the next. Takes a
 * Slipway whose cluster is ready.
 */
export function labsSuite(ready: () => Slipway): void {
  test.each(labs)("lab %s: every step's checks fail before its solution and hold after it", async (lab, steps) => {
    const output = await ready().must(["lab", "run", lab, "--fast", "--prove", "-o", "json"]);
    const played = (JSON.parse(output) as Played).steps;
    expect(played).toEqual(steps.map((id) => expect.objectContaining({ id, passed: true })));
  });

  test("a lab takes what it applied with it when another begins", async () => {
    await ready().must(["lab", "run", "strict-mtls", "--fast"]);
    expect(await ready().kubectl("-n", "shop", "get", "authorizationpolicies", "-o", "name")).toBe("");
  });
}
