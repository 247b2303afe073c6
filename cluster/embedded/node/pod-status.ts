import type { IContainerState } from "kubernetes-models/v1/ContainerState";
import type { IPodCondition } from "kubernetes-models/v1/PodCondition";
import type { IPodStatus } from "kubernetes-models/v1/PodStatus";
import { timestamp } from "../machinery/clock.ts";
import { type ContainerRecord, type ContainerState, freshRecord } from "./container-record.ts";
import { type Container, type ContainerStatus, isSidecar, type Pod, type PodSpec } from "./kinds.ts";
import { parseQuantity } from "./quantity.ts";

export interface PodObservation {
  readonly records: ReadonlyMap<string, ContainerRecord>;
  readonly podIp: string | undefined;
  readonly hostIp: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly now: number;
  /** Set when the whole pod was ended for a reason of its own ("Evicted", …). */
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** The status of a pod from what its containers do. Keeps conditions that belong to others and times of conditions that did not change. Pure. */
export function podStatus(pod: Pod, observed: PodObservation): IPodStatus {
  const spec = pod.spec ?? { containers: [] };
  const initialised = (spec.initContainers ?? []).every((one) => initDone(one, observed.records.get(one.name)));
  const before = initialised ? freshRecord : initialising;
  const statusOf = (container: Container): ContainerStatus =>
    containerStatus(container, observed.records.get(container.name) ?? before);
  const phase = podPhase(spec, observed);
  return {
    phase,
    ...(observed.failure ?? {}),
    conditions: podConditions(pod, phase, observed),
    hostIP: observed.hostIp,
    hostIPs: [{ ip: observed.hostIp }],
    ...(observed.podIp === undefined ? {} : { podIP: observed.podIp, podIPs: [{ ip: observed.podIp }] }),
    startTime: timestamp(observed.startTime),
    qosClass: qosClass(spec),
    ...(spec.initContainers === undefined ? {} : { initContainerStatuses: spec.initContainers.map(statusOf) }),
    containerStatuses: spec.containers.map(statusOf),
    ...(spec.ephemeralContainers === undefined
      ? {}
      : { ephemeralContainerStatuses: spec.ephemeralContainers.map(statusOf) }),
  };
}

const initialising: ContainerRecord = { ...freshRecord, state: { kind: "waiting", reason: "PodInitializing" } };

function containerStatus(container: Container, record: ContainerRecord): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? "",
    imageID: record.imageId,
    ready: record.ready,
    started: record.started,
    restartCount: record.restartCount,
    state: stateOf(record.state),
    lastState: record.last === undefined ? {} : stateOf(record.last),
    ...(record.containerId === undefined ? {} : { containerID: record.containerId }),
  };
}

function stateOf(state: ContainerState): IContainerState {
  switch (state.kind) {
    case "waiting":
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case "running":
      return { running: { startedAt: timestamp(state.startedAt) } };
    case "terminated":
      return {
        terminated: {
          exitCode: state.exitCode,
          ...(state.signal === undefined ? {} : { signal: state.signal }),
          reason: state.reason,
          ...(state.message === undefined ? {} : { message: state.message }),
          startedAt: timestamp(state.startedAt),
          finishedAt: timestamp(state.finishedAt),
          ...(state.containerId === undefined ? {} : { containerID: state.containerId }),
        },
      };
  }
}

type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** Source: "Pod phase" in the Kubernetes documentation and the kubelet's treatment of restartable init containers. */
export function podPhase(spec: PodSpec, observed: PodObservation): Phase {
  if (observed.failure !== undefined) return "Failed";
  const policy = spec.restartPolicy ?? "Always";
  const recordOf = (container: Container): ContainerRecord => observed.records.get(container.name) ?? freshRecord;
  const inits = (spec.initContainers ?? []).map((container) => ({ container, record: recordOf(container) }));
  if (policy === "Never" && inits.some(({ container, record }) => !isSidecar(container) && failed(record.state)))
    return "Failed";
  const mains = spec.containers.map(recordOf);
  const initialised = inits.every(({ container, record }) =>
    isSidecar(container) ? record.started || record.state.kind === "terminated" : succeeded(record.state),
  );
  if (!initialised && mains.every((record) => record.state.kind === "waiting" && record.last === undefined))
    return "Pending";
  const done = mains.every((record) => record.state.kind === "terminated" && !restarts(policy, record.state.exitCode));
  if (done) return mains.every((record) => succeeded(record.state)) ? "Succeeded" : "Failed";
  const begun = mains.some((record) => record.state.kind !== "waiting" || record.last !== undefined);
  return begun && mains.every((record) => record.state.kind !== "waiting" || record.last !== undefined)
    ? "Running"
    : "Pending";
}

const succeeded = (state: ContainerState): boolean => state.kind === "terminated" && state.exitCode === 0;
const failed = (state: ContainerState): boolean => state.kind === "terminated" && state.exitCode !== 0;

/** Whether a container that ended so is started again. */
export function restarts(policy: string, exitCode: number): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

const own: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
]);

function podConditions(pod: Pod, phase: Phase, observed: PodObservation): IPodCondition[] {
  const spec = pod.spec ?? { containers: [] };
  const finished = phase === "Succeeded" || phase === "Failed";
  const notReady = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)]
    .filter((container) => observed.records.get(container.name)?.ready !== true)
    .map((container) => container.name);
  const uninitialised = (spec.initContainers ?? [])
    .filter((container) => !initDone(container, observed.records.get(container.name)))
    .map((container) => container.name);
  const containersReady: Verdict = finished
    ? no(phase === "Succeeded" ? "PodCompleted" : "PodFailed")
    : notReady.length === 0
      ? yes
      : no("ContainersNotReady", `containers with unready status: [${notReady.join(" ")}]`);
  const verdicts: [string, Verdict][] = [
    ["PodReadyToStartContainers", observed.podIp === undefined || finished ? no() : yes],
    [
      "Initialized",
      uninitialised.length === 0 || phase === "Succeeded"
        ? yes
        : no("ContainersNotInitialized", `containers with incomplete status: [${uninitialised.join(" ")}]`),
    ],
    ["Ready", ready(pod, containersReady)],
    ["ContainersReady", containersReady],
    ["PodScheduled", yes],
  ];
  const before = pod.status?.conditions ?? [];
  return [
    ...verdicts.map(([type, verdict]) => condition(type, verdict, { before, now: observed.now })),
    ...before.filter((one) => !own.has(one.type)),
  ];
}

interface Verdict {
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
}

const yes: Verdict = { status: "True" };
const no = (reason?: string, message?: string): Verdict => ({
  status: "False",
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

function ready(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status === "False") return containersReady;
  const missing = (pod.spec?.readinessGates ?? []).filter(
    (gate) => pod.status?.conditions?.find((one) => one.type === gate.conditionType)?.status !== "True",
  );
  return missing.length === 0
    ? yes
    : no("ReadinessGatesNotReady", `the status of pod readiness gate "${missing[0]?.conditionType}" is not "True"`);
}

function initDone(container: Container, record: ContainerRecord | undefined): boolean {
  if (record === undefined) return false;
  return isSidecar(container) ? record.started : succeeded(record.state);
}

function condition(
  type: string,
  verdict: Verdict,
  context: { before: readonly IPodCondition[]; now: number },
): IPodCondition {
  const previous = context.before.find((one) => one.type === type);
  const unchanged = previous?.status === verdict.status && previous.lastTransitionTime !== undefined;
  return {
    type,
    ...verdict,
    lastTransitionTime: unchanged ? previous.lastTransitionTime : timestamp(context.now),
  } as IPodCondition;
}

/** Source: "Pod Quality of Service Classes" in the Kubernetes documentation. */
export function qosClass(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const amounts = containers.flatMap(({ resources }) => [
    ...Object.entries(resources?.limits ?? {}),
    ...Object.entries(resources?.requests ?? {}),
  ]);
  const relevant = amounts.filter(
    ([name, amount]) => (name === "cpu" || name === "memory") && parseQuantity(String(amount)) > 0,
  );
  if (relevant.length === 0) return "BestEffort";
  const guaranteed = containers.every(({ resources }) =>
    (["cpu", "memory"] as const).every((name) => {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      return (
        limit !== undefined && request !== undefined && parseQuantity(String(limit)) === parseQuantity(String(request))
      );
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
