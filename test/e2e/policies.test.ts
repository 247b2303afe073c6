import { execFile } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { listenerType, routeType } from "#mesh/lib/xds/envoy-types.ts";
import { createDataPlane, type LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import { EnvoyHarness } from "./envoy/harness.ts";
import { addresses } from "./envoy/mesh-objects.ts";
import { policies, requests } from "./envoy/policy-cases.ts";

const harness = new EnvoyHarness();
let plane: LocalDataPlane;
beforeAll(async () => {
  await harness.start("DELTA_GRPC");
  for (const object of policies) harness.source.apply(object);
  const wanted = policies.filter(({ kind }) => kind === "AuthorizationPolicy").length;
  await vi.waitFor(() => expect(harness.pilot.distributor.snapshot?.authorizationPolicies).toHaveLength(wanted));
  await harness.settled(2);
  plane = await ourGateway();
});
afterAll(async () => {
  await plane?.close();
  await harness.stop();
});

/** Our proxy with what the gateway's Envoy was told, on a port of its own and without anybody to call: what is let in gets 503. */
async function ourGateway(): Promise<LocalDataPlane> {
  const session = [...harness.pilot.distributor.sessions].find(({ node }) => node.type === "router");
  if (session?.config === undefined) throw new Error("the gateway has no configuration");
  const { LDS, RDS } = session.config.resources;
  const ours = createDataPlane({
    nodeId: session.node.id,
    self: {
      name: "gateway",
      namespace: "istio-system",
      workload: "gateway",
      app: "",
      version: "",
      canonicalService: "",
      canonicalRevision: "",
      cluster: "",
    },
    role: "router",
    sink: { record: () => {} },
    log: { warn: () => {}, debug: () => {} },
  });
  const routes = [...RDS.values()].map(({ name, version, body }) => ({
    name,
    version,
    resource: routeType.decode(body.value),
  }));
  ours.apply({ type: "route", changed: routes, removed: [] });
  const [listener] = [...LDS.values()].map(({ body }) => listenerType.decode(body.value));
  if (listener?.address?.address?.$case !== "socketAddress") throw new Error("the gateway has no listener");
  listener.address.address.value.address = "127.0.0.1";
  listener.address.address.value.portSpecifier = { $case: "portValue", value: 0 };
  ours.apply({ type: "listener", changed: [{ name: listener.name, version: "1", resource: listener }], removed: [] });
  await ours.listening();
  return ours;
}

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
  const port = plane.listenerStatus()[0]?.address.split(":").at(-1) ?? "";
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
