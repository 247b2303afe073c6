import { describe, expect, it } from "vitest";
import { type ContainerRecord, type ContainerState, freshRecord } from "./container-record.ts";
import type { Pod, PodSpec } from "./kinds.ts";
import { podPhase, podStatus, qosClass } from "./pod-status.ts";

const waiting: ContainerState = { kind: "waiting", reason: "ContainerCreating" };
const running: ContainerState = { kind: "running", startedAt: 0 };
const ended = (exitCode: number): ContainerState => ({
  kind: "terminated",
  exitCode,
  reason: "",
  startedAt: 0,
  finishedAt: 0,
});
const record = (state: ContainerState, more: Partial<ContainerRecord> = {}): ContainerRecord => ({
  ...freshRecord,
  state,
  ...more,
});
const observe = (records: Record<string, ContainerRecord>) => ({
  records: new Map(Object.entries(records)),
  podIp: "10.244.0.5",
  hostIp: "172.18.0.2",
  startTime: 0,
  now: 5000,
});
const crashed = record(
  { kind: "waiting", reason: "CrashLoopBackOff" },
  { last: { kind: "terminated", exitCode: 1, reason: "Error", startedAt: 0, finishedAt: 0 } },
);

describe("a pod's phase", () => {
  const two: PodSpec = { containers: [{ name: "a" }, { name: "b" }] };
  it.each<[string, PodSpec, Record<string, ContainerRecord>, string]>([
    ["nothing has started", two, {}, "Pending"],
    ["one is still being made", two, { a: record(running), b: record(waiting) }, "Pending"],
    ["all run", two, { a: record(running), b: record(running) }, "Running"],
    ["one waits to start again", two, { a: record(running), b: crashed }, "Running"],
    ["one has ended and will start again", two, { a: record(running), b: record(ended(0)) }, "Running"],
    [
      "all have ended well, never to start again",
      { ...two, restartPolicy: "Never" },
      { a: record(ended(0)), b: record(ended(0)) },
      "Succeeded",
    ],
    [
      "one has failed for good",
      { ...two, restartPolicy: "Never" },
      { a: record(ended(0)), b: record(ended(2)) },
      "Failed",
    ],
    [
      "one has failed and may start again",
      { ...two, restartPolicy: "OnFailure" },
      { a: record(ended(0)), b: record(ended(2)) },
      "Running",
    ],
    ["an init container runs", { ...two, initContainers: [{ name: "i" }] }, { i: record(running) }, "Pending"],
    [
      "an init container has failed for good",
      { ...two, restartPolicy: "Never", initContainers: [{ name: "i" }] },
      { i: record(ended(1)) },
      "Failed",
    ],
    [
      "a sidecar runs beside an ended container",
      { containers: [{ name: "a" }], restartPolicy: "Never", initContainers: [{ name: "s", restartPolicy: "Always" }] },
      { s: record(running, { started: true }), a: record(ended(0)) },
      "Succeeded",
    ],
  ])("when %s", (_, spec, records, phase) => expect(podPhase(spec, observe(records))).toBe(phase));
});

describe("a pod's conditions", () => {
  const pod = (spec: PodSpec, conditions: NonNullable<Pod["status"]>["conditions"] = []): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec,
    status: { conditions },
  });
  const conditionOf = (status: ReturnType<typeof podStatus>, type: string) =>
    status.conditions?.find((one) => one.type === type);

  it("is ready when every container and sidecar is, and every gate is open", () => {
    const spec: PodSpec = {
      containers: [{ name: "a" }],
      initContainers: [{ name: "s", restartPolicy: "Always" }],
      readinessGates: [{ conditionType: "lab/open" }],
    };
    const observed = observe({
      a: record(running, { ready: true }),
      s: record(running, { ready: true, started: true }),
    });
    expect(conditionOf(podStatus(pod(spec), observed), "Ready")).toMatchObject({
      status: "False",
      reason: "ReadinessGatesNotReady",
    });
    const open = podStatus(pod(spec, [{ type: "lab/open", status: "True" }]), observed);
    expect(conditionOf(open, "Ready")).toMatchObject({ status: "True" });
    expect(conditionOf(open, "lab/open")).toMatchObject({ status: "True" });
  });

  it("names the containers that are not ready", () => {
    const status = podStatus(
      pod({ containers: [{ name: "a" }, { name: "b" }] }),
      observe({ a: record(running, { ready: true }), b: record(running) }),
    );
    expect(conditionOf(status, "ContainersReady")).toMatchObject({
      status: "False",
      message: "containers with unready status: [b]",
    });
  });

  it("keeps the time of a condition that has not changed", () => {
    const before = [{ type: "ContainersReady", status: "True" as const, lastTransitionTime: "2026-01-01T00:00:00Z" }];
    const status = podStatus(
      pod({ containers: [{ name: "a" }] }, before),
      observe({ a: record(running, { ready: true }) }),
    );
    expect(conditionOf(status, "ContainersReady")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
    expect(conditionOf(status, "Ready")?.lastTransitionTime).toBe("1970-01-01T00:00:05Z");
  });

  it("lets containers wait for initialisation", () => {
    const status = podStatus(
      pod({ containers: [{ name: "a" }], initContainers: [{ name: "i" }] }),
      observe({ i: record(running) }),
    );
    expect(status.containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
  });
});

describe("quality of service", () => {
  it.each([
    ["BestEffort", {}],
    ["Burstable", { requests: { cpu: "100m" } }],
    ["Burstable", { limits: { cpu: "1" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" } }],
    ["Guaranteed", { limits: { cpu: "1000m", memory: "1Gi" }, requests: { cpu: "1", memory: "1024Mi" } }],
  ])("%s for %j", (expected, resources) => expect(qosClass({ containers: [{ name: "a", resources }] })).toBe(expected));
});
