import { describe, expect, test } from "vitest";
import { classOf } from "./classes.ts";
import type { Condition, DeploymentObject, GatewayObject } from "./objects.ts";
import { gatewayStatus, serviceConditions } from "./status.ts";

const gateway = (status: GatewayObject["status"] = {}): GatewayObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "waypoint", namespace: "shop", generation: 3 },
  spec: { gatewayClassName: "istio-waypoint", listeners: [{ name: "mesh", port: 15_008, protocol: "HBONE" }] },
  status,
});
const deployment = (availableReplicas: number): DeploymentObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "waypoint" },
  status: { availableReplicas },
});
const hostname = "waypoint.shop.svc.cluster.local";
const early = new Date("2026-01-01T00:00:00Z");
const later = new Date("2026-01-01T00:01:00Z");
const facts = { info: classOf("istio-waypoint")!, hostname, failure: undefined, now: early };
const find = (conditions: readonly Condition[] | undefined, type: string) =>
  conditions?.find((condition) => condition.type === type);

describe("the status of a Gateway", () => {
  test("has an address once an instance is ready, and keeps it", () => {
    const waiting = gatewayStatus(gateway(), { ...facts, deployment: deployment(0) });
    expect(waiting?.addresses).toEqual([]);
    expect(find(waiting?.conditions, "Programmed")).toMatchObject({ status: "False", reason: "AddressNotAssigned" });
    const ready = gatewayStatus(gateway(waiting), { ...facts, deployment: deployment(1), now: later });
    expect(ready?.addresses).toEqual([{ type: "Hostname", value: hostname }]);
    expect(find(ready?.conditions, "Programmed")).toMatchObject({
      status: "True",
      observedGeneration: 3,
      lastTransitionTime: "2026-01-01T00:01:00Z",
    });
    expect(find(ready?.conditions, "Accepted")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
    const gone = gatewayStatus(gateway(ready), { ...facts, deployment: deployment(0), now: later });
    expect(gone?.addresses).toEqual(ready?.addresses);
  });

  test("is not written again when it says all that already", () => {
    const status = gatewayStatus(gateway(), { ...facts, deployment: deployment(1) });
    expect(gatewayStatus(gateway(status), { ...facts, deployment: deployment(1), now: later })).toBeUndefined();
  });

  test("tells what is in the way", () => {
    const refused = gatewayStatus(gateway(), { ...facts, deployment: undefined, failure: "quota exceeded" });
    expect(find(refused?.conditions, "Programmed")).toMatchObject({ status: "False", message: "quota exceeded" });
    const other = gatewayStatus(gateway(), { ...facts, info: classOf("istio")!, deployment: undefined });
    expect(find(other?.conditions, "Programmed")?.message).toMatch(/does not serve listeners of class istio/);
  });
});

describe("the conditions of a Service", () => {
  const at = { generation: undefined, now: early };
  const others = [
    { type: "example.com/Other", status: "True", reason: "A", message: "", lastTransitionTime: "x" },
  ] as const;
  const refused = { kind: "refused", reason: "AttachmentDenied", message: "no" } as const;

  test("say which waypoint it is not behind, and leave those of others alone", () => {
    const conditions = serviceConditions(others, refused, at);
    expect(conditions).toHaveLength(2);
    expect(find(conditions, "istio.io/WaypointBound")).toMatchObject({ status: "False", reason: "AttachmentDenied" });
    expect(serviceConditions(conditions ?? [], refused, { ...at, now: later })).toBeUndefined();
    expect(serviceConditions(conditions ?? [], { kind: "none" }, at)).toEqual(others);
    expect(serviceConditions(others, { kind: "none" }, at)).toBeUndefined();
  });
});
