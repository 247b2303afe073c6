import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, type JsonObject } from "../../machinery/json.ts";
import { age, type Column, column, count, specOf, statusOf, text, wide } from "./column.ts";

const sidecarNames = (pod: ApiObject): ReadonlySet<unknown> =>
  new Set(
    asArray(specOf(pod).initContainers)
      .map(asObject)
      .filter((container) => container.restartPolicy === "Always")
      .map((container) => container.name),
  );

/** Containers that are to run all the time: the pod's own and its sidecars. */
function lasting(pod: ApiObject): readonly JsonObject[] {
  const sidecars = sidecarNames(pod);
  return [
    ...asArray(statusOf(pod).containerStatuses).map(asObject),
    ...asArray(statusOf(pod).initContainerStatuses)
      .map(asObject)
      .filter((container) => sidecars.has(container.name)),
  ];
}

function ready(pod: ApiObject): string {
  const total = asArray(specOf(pod).containers).length + sidecarNames(pod).size;
  return `${lasting(pod).filter((container) => container.ready === true).length}/${total}`;
}

/** The one word that tells most. Source: how kubectl get pods is documented to read the states of containers. */
function podState(pod: ApiObject): string {
  const { phase, reason: said, conditions } = statusOf(pod);
  const isTrue = (type: string): boolean =>
    asArray(conditions).some((one) => asObject(one).type === type && asObject(one).status === "True");
  const isGated = asArray(conditions).some((one) => asObject(one).reason === "SchedulingGated");
  let reason = text(said, isGated ? "SchedulingGated" : text(phase, "Pending"));
  const starting = initState(pod);
  if (starting !== undefined) reason = starting;
  if (starting === undefined || isTrue("Initialized")) reason = mainState(pod, reason, isTrue("Ready"));
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (said === "NodeLost") return "Unknown";
  return phase === "Succeeded" || phase === "Failed" ? reason : "Terminating";
}

function initState(pod: ApiObject): string | undefined {
  const statuses = asArray(statusOf(pod).initContainerStatuses).map(asObject);
  const sidecars = sidecarNames(pod);
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = asObject(status.state);
    if (terminated !== undefined && asObject(terminated).exitCode === 0) continue;
    if (sidecars.has(status.name) && status.started === true) continue;
    if (terminated !== undefined) return `Init:${endOf(asObject(terminated))}`;
    const why = asString(asObject(waiting).reason);
    if (why !== "" && why !== "PodInitializing") return `Init:${why}`;
    return `Init:${index}/${asArray(specOf(pod).initContainers).length}`;
  }
  return undefined;
}

function mainState(pod: ApiObject, before: string, isReady: boolean): string {
  let reason = before;
  let isRunning = false;
  for (const status of asArray(statusOf(pod).containerStatuses).map(asObject).toReversed()) {
    const { waiting, terminated, running } = asObject(status.state);
    const why = asString(asObject(waiting).reason);
    if (why !== "") reason = why;
    else if (terminated !== undefined) reason = endOf(asObject(terminated));
    else if (status.ready === true && running !== undefined) isRunning = true;
  }
  if (reason === "Completed" && isRunning) return isReady ? "Running" : "NotReady";
  return reason;
}

function endOf({ reason, signal, exitCode }: JsonObject): string {
  if (asString(reason) !== "") return asString(reason);
  return count(signal) !== 0 ? `Signal:${count(signal)}` : `ExitCode:${count(exitCode)}`;
}

function restarts(pod: ApiObject): string {
  const containers = lasting(pod);
  const sum = containers.reduce((total, container) => total + count(container.restartCount), 0);
  const ends = containers
    .map((container) => asString(asObject(asObject(container.lastState).terminated).finishedAt))
    .filter((time) => time !== "");
  const last = ends.sort().at(-1);
  return sum > 0 && last !== undefined ? `${sum} (${age(last)} ago)` : String(sum);
}

function readinessGates(pod: ApiObject): string {
  const gates = asArray(specOf(pod).readinessGates).map((gate) => asObject(gate).conditionType);
  if (gates.length === 0) return "<none>";
  const conditions = asArray(statusOf(pod).conditions).map(asObject);
  const passed = gates.filter((gate) => conditions.some(({ type, status }) => type === gate && status === "True"));
  return `${passed.length}/${gates.length}`;
}

export const podColumns: readonly Column[] = [
  column("Ready", ready),
  column("Status", podState),
  column("Restarts", restarts),
];

export const widePodColumns: readonly Column[] = [
  wide("IP", (pod) => text(statusOf(pod).podIP)),
  wide("Node", (pod) => text(specOf(pod).nodeName)),
  wide("Nominated Node", (pod) => text(statusOf(pod).nominatedNodeName)),
  wide("Readiness Gates", readinessGates),
];
