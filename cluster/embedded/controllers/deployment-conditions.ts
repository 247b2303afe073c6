import type { IDeploymentCondition } from "kubernetes-models/apps/v1/DeploymentCondition";
import type { Deployment } from "./deployment.ts";
import type { ReplicaSet } from "./replica-set.ts";
import { resolveFraction } from "./rollout.ts";

export interface RolloutCounts {
  readonly replicas: number;
  readonly availableReplicas: number;
  readonly updatedReplicas: number;
  readonly current: ReplicaSet | undefined;
}

/** Available, Progressing and ReplicaFailure, with the reasons and messages that kubectl rollout reads. */
export function deploymentConditions(
  deployment: Deployment,
  counts: RolloutCounts,
  now: string,
): IDeploymentCondition[] {
  const wanted = deployment.spec?.replicas ?? 1;
  const unavailable = resolveFraction(deployment.spec?.strategy?.rollingUpdate?.maxUnavailable, wanted, "down");
  const isAvailable = counts.availableReplicas >= wanted - unavailable;
  const conditions: Wanted[] = [
    isAvailable
      ? {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "Deployment has minimum availability.",
        }
      : {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: "Deployment does not have minimum availability.",
        },
    progressing(deployment, { counts, wanted, now }),
  ];
  const failure = counts.current?.status?.conditions?.find((condition) => condition.type === "ReplicaFailure");
  if (failure?.status === "True")
    conditions.push({
      type: "ReplicaFailure",
      status: "True",
      reason: failure.reason ?? "",
      message: failure.message ?? "",
    });
  const moved = hasProgressed(deployment, counts);
  return conditions.map((condition) =>
    withTimes(condition, deployment, { now, renew: moved && condition.type === "Progressing" }),
  );
}

type Wanted = Pick<IDeploymentCondition, "type" | "status"> & { readonly reason: string; readonly message: string };

function progressing(
  deployment: Deployment,
  { counts, wanted, now }: { readonly counts: RolloutCounts; readonly wanted: number; readonly now: string },
): Wanted {
  const name = counts.current?.metadata.name ?? "";
  if (deployment.spec?.paused)
    return { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  const complete =
    counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
  if (complete)
    return {
      type: "Progressing",
      status: "True",
      reason: "NewReplicaSetAvailable",
      message: `ReplicaSet "${name}" has successfully progressed.`,
    };
  const left = progressTimeLeft(deployment, counts, Date.parse(now));
  return left !== undefined && left <= 0
    ? {
        type: "Progressing",
        status: "False",
        reason: "ProgressDeadlineExceeded",
        message: `ReplicaSet "${name}" has timed out progressing.`,
      }
    : {
        type: "Progressing",
        status: "True",
        reason: "ReplicaSetUpdated",
        message: `ReplicaSet "${name}" is progressing.`,
      };
}

/**
 * Milliseconds until a rollout that does not move counts as failed; undefined while none is under way. Any change of the counts
 * or of the newest ReplicaSet is progress.
 */
export function progressTimeLeft(deployment: Deployment, counts: RolloutCounts, now: number): number | undefined {
  const before = deployment.status?.conditions?.find((condition) => condition.type === "Progressing");
  if (before?.lastUpdateTime === undefined || before.reason === "NewReplicaSetAvailable") return undefined;
  if (before.reason === "DeploymentPaused" || hasProgressed(deployment, counts)) return undefined;
  const seconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  return Date.parse(before.lastUpdateTime) + seconds * 1000 - now;
}

function hasProgressed({ metadata, status }: Deployment, counts: RolloutCounts): boolean {
  return (
    (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ||
    counts.updatedReplicas > (status?.updatedReplicas ?? 0) ||
    counts.availableReplicas > (status?.availableReplicas ?? 0) ||
    counts.replicas < (status?.replicas ?? 0)
  );
}

/** A condition that says the same as before keeps its times, unless the rollout has moved. */
function withTimes(
  wanted: Wanted,
  deployment: Deployment,
  { now, renew }: { readonly now: string; readonly renew: boolean },
): IDeploymentCondition {
  const before = deployment.status?.conditions?.find((condition) => condition.type === wanted.type);
  const same =
    !renew && before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message;
  return {
    ...wanted,
    lastUpdateTime: same ? (before.lastUpdateTime ?? now) : now,
    lastTransitionTime: before?.status === wanted.status ? (before.lastTransitionTime ?? now) : now,
  };
}
