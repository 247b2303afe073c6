import { type ContainerRecord, freshRecord, type Terminated } from "./container-record.ts";
import type { ContainerStatus, Pod } from "./kinds.ts";

/** Whether the pod has ended for good: its containers are never started again. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/**
 * What a new node process takes over from the status that the last one wrote. The processes are gone: what ran counts as ended with
 * 255, as after a node's reboot, and starts as one restart more. A finished pod keeps what it has.
 */
export function previousRecords(pod: Pod, now: number): Map<string, ContainerRecord> {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const record = isFinished(pod) ? finalRecord : restartedRecord;
  const debugging = pod.status?.ephemeralContainerStatuses ?? [];
  return new Map([
    ...statuses.map((status) => [status.name, record(status, now)] as const),
    // Started once and never again.
    ...debugging.map((status) => [status.name, finalRecord(status, now)] as const),
  ]);
}

/** With restartPolicy Never nothing is started again: what ran is lost. Source: the kubelet's ContainerStatusUnknown. */
export function lostRecords(records: ReadonlyMap<string, ContainerRecord>): Map<string, ContainerRecord> {
  const lose = (record: ContainerRecord): ContainerRecord => {
    if (record.last === undefined) return record;
    const message = "The container could not be located when the pod was terminated";
    const state: Terminated = { ...record.last, exitCode: 137, reason: "ContainerStatusUnknown", message };
    return { ...record, restartCount: record.restartCount - 1, last: undefined, state };
  };
  return new Map([...records].map(([name, record]) => [name, lose(record)]));
}

function finalRecord(status: ContainerStatus, now: number): ContainerRecord {
  const ended = terminated(status, now);
  const common = { ...freshRecord, restartCount: status.restartCount, imageId: status.imageID, ready: status.ready };
  return ended === undefined ? common : { ...common, state: ended, ...idOf(status) };
}

function restartedRecord(status: ContainerStatus, now: number): ContainerRecord {
  const last = terminated(status, now);
  return last === undefined ? freshRecord : { ...freshRecord, restartCount: status.restartCount + 1, last };
}

/** How the container's last run ended, so far as anyone knows; undefined when it never ran. */
function terminated(status: ContainerStatus, now: number): Terminated | undefined {
  const { running } = status.state ?? {};
  const ended = status.state?.terminated ?? status.lastState?.terminated;
  if (running === undefined && ended === undefined) return undefined;
  const startedAt = running?.startedAt ?? ended?.startedAt;
  const known = running === undefined ? ended : undefined;
  return {
    kind: "terminated",
    exitCode: known?.exitCode ?? 255,
    reason: known?.reason ?? "Unknown",
    ...(known?.message === undefined ? {} : { message: known.message }),
    startedAt: startedAt === undefined ? now : Date.parse(startedAt),
    finishedAt: known?.finishedAt === undefined ? now : Date.parse(known.finishedAt),
    ...idOf(status),
  };
}

const idOf = (status: ContainerStatus): { containerId?: string } =>
  status.containerID === undefined ? {} : { containerId: status.containerID };
