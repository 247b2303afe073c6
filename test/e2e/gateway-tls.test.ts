import { execFile } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import { gatewayTlsCases, TLS_PORT } from "./envoy/gateway-tls-cases.ts";
import { EnvoyHarness } from "./envoy/harness.ts";
import { ourGateway, portOf } from "./envoy/our-gateway.ts";

const harness = new EnvoyHarness();
const cases = gatewayTlsCases();
let plane: LocalDataPlane;
beforeAll(async () => {
  await harness.start("DELTA_GRPC");
  const before = harness.pilot.distributor.snapshot?.generation ?? 0;
  for (const object of cases.objects) harness.source.apply(object);
  await vi.waitFor(() => expect(harness.pilot.distributor.snapshot?.generation ?? 0).toBeGreaterThan(before));
  await harness.settled(2);
  await vi.waitFor(async () => expect(await harness.admin("router", "/listeners")).toContain(String(TLS_PORT)), 20_000);
  plane = await ourGateway(harness, TLS_PORT);
});
afterAll(async () => {
  await plane?.close();
  await harness.stop();
  cases.close();
});

/** Our proxy has nobody to call: its 503 stands for every answer of the application. */
function outcomeOf(answer: string): string {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
  if (status === 0) return "refused";
  return status === 200 || status === 503 ? "let in" : String(status);
}

it("servers of every TLS mode let in the same calls at our proxy as at a real Envoy", async () => {
  expect(harness.pilot.record.rejections).toEqual([]);
  const input = JSON.stringify(cases.calls.map(([, call]) => call));
  const script = join(import.meta.dirname, "envoy/tls-client.mjs");
  // Our proxy runs in this process, which must not wait for the answers.
  const child = execFile(process.execPath, [script, portOf(plane)], { maxBuffer: 1 << 24 });
  child.stdin?.end(input);
  const ours = JSON.parse(await text(child.stdout!)) as readonly string[];
  const theirs = harness.overTls(TLS_PORT, input);
  const table = (answers: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(cases.calls.map(([what], index) => [what, outcomeOf(answers[index] ?? "")]));
  expect(table(ours)).toEqual(table(theirs));
  expect(table(ours)).toMatchInlineSnapshot(`
    {
      "ISTIO_MUTUAL with a certificate from outside the mesh": "refused",
      "MUTUAL with a stranger's": "refused",
      "MUTUAL with authorities of their own, with one": "let in",
      "MUTUAL with authorities of their own, without": "refused",
      "MUTUAL with one": "let in",
      "MUTUAL without a certificate": "refused",
      "OPTIONAL_MUTUAL with a stranger's": "refused",
      "OPTIONAL_MUTUAL with one": "let in",
      "OPTIONAL_MUTUAL without": "let in",
      "a certificate of another name than is asked for": "refused",
      "a certificate with another's key": "refused",
      "a host": "let in",
      "a host of the wildcard": "let in",
      "a host that nobody has": "404",
      "a host's connection for one that wants certificates": "421",
      "a name in capitals": "let in",
      "a name that nobody has": "refused",
      "a secret that is not there": "refused",
      "a wildcard's connection for a host that wants certificates": "421",
      "a wildcard's connection for a host with a server of its own": "421",
      "another host of the same server": "let in",
      "another host of the wildcard": "let in",
      "no name": "refused",
      "the other way round in absolute form": "let in",
      "the same in absolute form": "421",
      "the same in capitals": "421",
      "the same with a dot at the end": "404",
      "the same with a port": "421",
    }
  `);
});
