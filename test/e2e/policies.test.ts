import { execFile } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import { EnvoyHarness } from "./envoy/harness.ts";
import { addresses } from "./envoy/mesh-objects.ts";
import { ourGateway, portOf } from "./envoy/our-gateway.ts";
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
  const script = join(import.meta.dirname, "envoy/raw.mjs");
  const port = portOf(plane);
  // Our proxy runs in this process, which must not wait for the answers.
  const child = execFile(process.execPath, [script, port], { maxBuffer: 1 << 24 });
  child.stdin?.end(input);
  const ours = JSON.parse(await text(child.stdout!)) as readonly string[];
  const theirs = harness.raw(addresses.gatewayPort, input);
  const table = (answers: readonly string[]): readonly string[] =>
    asked.map(([what], index) => `${what}: ${verdictOf(answers[index] ?? "")}`);
  expect(table(ours)).toEqual(table(theirs));
  const verdicts = new Set(theirs.map(verdictOf));
  for (const one of ["let in", "403 RBAC: access denied", "401 Jwt is expired", "401 Jwt verification fails"])
    expect(verdicts).toContain(one);
});
