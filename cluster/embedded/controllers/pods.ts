import type { Pod } from "../node/kinds.ts";

/** Neither ended nor being deleted: counts as a replica. */
export function isActive(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed"
  );
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/** Ready for at least so many seconds. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const condition = readyCondition(pod);
  if (condition?.status !== "True") return false;
  if (minReadySeconds === 0) return true;
  const since = condition.lastTransitionTime === undefined ? now : Date.parse(condition.lastTransitionTime);
  return now - since >= minReadySeconds * 1000;
}

function readyCondition(pod: Pod): { readonly status: string; readonly lastTransitionTime?: string } | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === "Ready");
}

/** Which pods to delete first when there are too many: unscheduled, pending, not ready, then the youngest. */
export function deletionOrder(pods: readonly Pod[]): readonly Pod[] {
  const rank = (pod: Pod): number =>
    pod.spec?.nodeName === undefined ? 0 : pod.status?.phase === "Pending" ? 1 : isReady(pod) ? 3 : 2;
  return pods.toSorted(
    (a, b) =>
      rank(a) - rank(b) || (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? ""),
  );
}
