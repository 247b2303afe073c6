import { expect, test } from "vitest";
import type { Slipway } from "../e2e/support/slipway.ts";

interface Played {
  readonly steps: readonly { readonly id: string; readonly passed: boolean; readonly why?: string }[];
}

/** Every lab but the first, which has a suite of its own, with its steps. */
const labs: readonly (readonly [lab: string, steps: readonly string[]])[] = [
  ["ambient", ["enrol", "strict", "who", "mistake", "waypoint", "route"]],
  ["resources", ["enrol", "grow", "leave"]],
  ["strict-mtls", ["stranger", "strict", "exception", "one-side"]],
  ["authorization", ["nobody", "who", "what", "deny", "mistake"]],
  ["egress", ["unseen", "closed", "entry", "tls", "gateway", "round"]],
  ["tokens", ["believe", "insist", "claims", "mistake"]],
  ["login", ["ask", "role", "testers", "mistake"]],
  ["ingress-tls", ["https", "second", "exchange", "mutual", "passthrough", "mistake"]],
];

/** A step that needs a network which enforces NetworkPolicy, as kind's own does and the simplest ones do not. */
const needsNetworkPolicy: Readonly<Record<string, string>> = { egress: "round" };

export interface LabsOptions {
  readonly ready: () => Slipway;
  /** Also require that each step's checks fail before its solution; once is enough, on the cluster where that is quick. */
  readonly prove: boolean;
  readonly enforcesNetworkPolicy: () => Promise<boolean>;
}

/** The labs, the same on every cluster, one after the other: what a lab leaves behind must not be in the way of the next. */
export function labsSuite({ ready, prove, enforcesNetworkPolicy }: LabsOptions): void {
  test.each(labs)("lab %s: every step's checks hold after its solution", async (lab, steps) => {
    const args = ["lab", "run", lab, "--fast", ...(prove ? ["--prove"] : []), "-o", "json"];
    const { stdout, stderr } = await ready().run(args);
    const played = (JSON.parse(stdout) as Played).steps;
    const cannot = (await enforcesNetworkPolicy()) ? undefined : needsNetworkPolicy[lab];
    const expected = steps.map((id) => expect.objectContaining({ id, passed: id !== cannot }));
    expect(played, stderr).toEqual(expected);
  });

  test("a lab takes what it applied with it when another begins", async () => {
    await ready().must(["lab", "run", "strict-mtls", "--fast"]);
    expect(await ready().kubectl("-n", "shop", "get", "authorizationpolicies", "-o", "name")).toBe("");
  });
}
