import { afterAll, beforeAll, expect, test } from "vitest";
import { Slipway } from "./support/slipway.ts";

let slipway: Slipway;
beforeAll(async () => {
  slipway = await Slipway.create();
  await slipway.must(["up"]);
});
afterAll(() => slipway.dispose());

interface Played {
  readonly steps: readonly { readonly id: string; readonly passed: boolean; readonly why?: string }[];
}

// One after the other on the same cluster: what a lab leaves behind must not be in the way of the next.
test.each([
  ["ambient", ["enrol", "strict", "who", "mistake"]],
  ["strict-mtls", ["stranger", "strict", "exception", "one-side"]],
  ["authorization", ["nobody", "who", "what", "deny", "mistake"]],
  ["egress", ["unseen", "closed", "entry", "tls", "gateway", "round"]],
  ["tokens", ["believe", "insist", "claims", "mistake"]],
])("lab %s: every step's checks fail before its solution and hold after it", async (lab, steps) => {
  const output = await slipway.must(["lab", "run", lab, "--fast", "--prove", "-o", "json"]);
  const played = (JSON.parse(output) as Played).steps;
  expect(played).toEqual(steps.map((id) => expect.objectContaining({ id, passed: true })));
});

test("a lab takes what it applied with it when another begins", async () => {
  await slipway.must(["lab", "run", "strict-mtls", "--fast"]);
  expect(await slipway.kubectl("-n", "shop", "get", "authorizationpolicies", "-o", "name")).toBe("");
});
