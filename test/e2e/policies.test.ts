import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import { EnvoyHarness } from "./envoy/harness.ts";
import { addresses } from "./envoy/mesh-objects.ts";
import { askOurs, ourGateway } from "./envoy/our-gateway.ts";
import { policies, requests } from "./envoy/policy-cases.ts";

const harness = new EnvoyHarness();
let plane: LocalDataPlane;
beforeAll(async () => {
  await harness.start("DELTA_GRPC");
  for (const object of policies) harness.source.apply(object);
  const wanted = policies.filter(({ kind }) => kind === "AuthorizationPolicy").length;
  await vi.waitFor(() => expect(harness.pilot.distributor.snapshot?.authorizationPolicies).toHaveLength(wanted));
  await harness.settled(2);
  plane = await ourGateway(harness, addresses.gatewayPort);
});
afterAll(async () => {
  await plane?.close();
  await harness.stop();
});

/**
 * Where we keep to the letter and Envoy does not: extensions that must be understood (RFC 7515 4.1.11), and base64url without
 * padding or white space (RFC 7515 2).
 */
const crit = "401 Jwt header [crit] field is not supported";
const stricter = new Map(
  [
    ["token: a critical extension", crit],
    ["token: an unknown critical extension", crit],
    ["token: an empty list of critical extensions", crit],
    ["token: padding", "401 Jwt signature is an invalid Base64url encoded"],
    ["token: a space within", "401 Jwt payload is an invalid Base64url encoded"],
  ].map(([what = "", verdict]) => [what, `${what}: ${verdict}`]),
);

/** Refusals with their text; everything else was let in. */
function verdictOf(answer: string): string {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
  if (status === 401 || status === 403) return `${status} ${answer.slice(answer.indexOf("\r\n\r\n") + 4)}`;
  return status === 400 ? "400" : "let in";
}

it("policies and tokens get the same verdicts from our proxy as from a real Envoy", async () => {
  expect(harness.pilot.record.rejections).toEqual([]);
  const asked = await requests();
  const input = JSON.stringify(asked.map(([, request]) => request));
  const ours = await askOurs(plane, input);
  const theirs = harness.raw(addresses.gatewayPort, input);
  const table = (answers: readonly string[]): readonly string[] =>
    asked.map(([what], index) => `${what}: ${verdictOf(answers[index] ?? "")}`);
  expect(table(ours)).toEqual(table(theirs).map((line) => stricter.get(line.slice(0, line.lastIndexOf(": "))) ?? line));
  const verdicts = new Set(theirs.map(verdictOf));
  for (const one of ["let in", "403 RBAC: access denied", "401 Jwt is expired", "401 Jwt verification fails"])
    expect(verdicts).toContain(one);
});
