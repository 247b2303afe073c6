import { type ContainerRecord, freshRecord } from "./container-record.ts";
import type { ContainerStatus, Pod } from "./kinds.ts";

/**
 * What a new node process takes over from the status that the last one wrote. The processes are gone: what ran counts as ended with
 * 255, as after a node's reboot, and starts as one restart more.
 */
export function previousRecords(pod: Pod, now: number): Map<string, ContainerRecord> {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return new Map(statuses.map((status) => [status.name, previousRecord(status, now)]));
}

function previousRecord(status: ContainerStatus, now: number): ContainerRecord {
  const { running, terminated } = status.state ?? {};
  const ran = running !== undefined || terminated !== undefined || status.lastState?.terminated !== undefined;
  if (!ran) return freshRecord;
  const startedAt = running?.startedAt ?? terminated?.startedAt;
  return {
    ...freshRecord,
    restartCount: status.restartCount + 1,
    last: {
      kind: "terminated",
      exitCode: terminated?.exitCode ?? 255,
      reason: terminated?.reason ?? "Unknown",
      startedAt: startedAt === undefined ? now : Date.parse(startedAt),
      finishedAt: terminated?.finishedAt === undefined ? now : Date.parse(terminated.finishedAt),
      ...(status.containerID === undefined ? {} : { containerId: status.containerID }),
    },
  };
}
