import { execFile } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { listenerType, routeType, secretType } from "#mesh/lib/xds/envoy-types.ts";
import { createDataPlane, type LocalDataPlane } from "#mesh/proxy/data-plane-create.ts";
import type { EnvoyHarness } from "./harness.ts";

/**
 * Our proxy with what the gateway's Envoy was told for one of its ports, on a port of its own and without anybody to call: what is
 * let in gets 503.
 */
export async function ourGateway(harness: EnvoyHarness, port: number): Promise<LocalDataPlane> {
  const session = [...harness.pilot.distributor.sessions].find(({ node }) => node.type === "router");
  if (session?.config === undefined) throw new Error("the gateway has no configuration");
  const { LDS, RDS, SDS } = session.config.resources;
  const none = "";
  const self = { name: "gateway", namespace: "istio-system", workload: "gateway", app: none, version: none };
  const ours = createDataPlane({
    nodeId: session.node.id,
    self: { ...self, canonicalService: none, canonicalRevision: none, cluster: none },
    role: "router",
    sink: { record: () => {} },
    log: { warn: () => {}, debug: () => {} },
  });
  const routes = [...RDS.values()].map(({ name, version, body }) => ({
    name,
    version,
    resource: routeType.decode(body.value),
  }));
  const secrets = [...SDS.values()].map(({ name, version, body }) => ({
    name,
    version,
    resource: secretType.decode(body.value),
  }));
  ours.apply({ type: "secret", changed: secrets, removed: [] });
  ours.apply({ type: "route", changed: routes, removed: [] });
  const listener = [...LDS.values()]
    .map(({ body }) => listenerType.decode(body.value))
    .find(({ name }) => name === `0.0.0.0_${port}`);
  if (listener?.address?.address?.$case !== "socketAddress") throw new Error(`the gateway has no listener for ${port}`);
  listener.address.address.value.address = "127.0.0.1";
  listener.address.address.value.portSpecifier = { $case: "portValue", value: 0 };
  ours.apply({ type: "listener", changed: [{ name: listener.name, version: "1", resource: listener }], removed: [] });
  await ours.listening();
  return ours;
}

/** The port that it listens on. */
export const portOf = (plane: LocalDataPlane): string => plane.listenerStatus()[0]?.address.split(":").at(-1) ?? "";

/** Sends texts (a JSON list) to it as they are; what came back for each. */
export async function askOurs(plane: LocalDataPlane, input: string): Promise<readonly string[]> {
  // It runs in this process, which must not wait for the answers.
  const script = join(import.meta.dirname, "raw.mjs");
  const child = execFile(process.execPath, [script, portOf(plane)], { maxBuffer: 1 << 24 });
  child.stdin?.end(input);
  return JSON.parse(await text(child.stdout!)) as readonly string[];
}
