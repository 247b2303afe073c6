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
    progressing(deployment, counts, wanted),
  ];
  const failure = counts.current?.status?.conditions?.find((condition) => condition.type === "ReplicaFailure");
  if (failure?.status === "True")
    conditions.push({
      type: "ReplicaFailure",
      status: "True",
      reason: failure.reason ?? "",
      message: failure.message ?? "",
    });
  return conditions.map((condition) => withTimes(condition, deployment, now));
}

type Wanted = Pick<IDeploymentCondition, "type" | "status"> & { readonly reason: string; readonly message: string };

function progressing(deployment: Deployment, counts: RolloutCounts, wanted: number): Wanted {
  const name = counts.current?.metadata.name ?? "";
  if (deployment.spec?.paused)
    return { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  const complete =
    counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
  return complete
    ? {
        type: "Progressing",
        status: "True",
        reason: "NewReplicaSetAvailable",
        message: `ReplicaSet "${name}" has successfully progressed.`,
      }
    : {
        type: "Progressing",
        status: "True",
        reason: "ReplicaSetUpdated",
        message: `ReplicaSet "${name}" is progressing.`,
      };
}

/** A condition that says the same as before keeps its times. */
function withTimes(wanted: Wanted, deployment: Deployment, now: string): IDeploymentCondition {
  const before = deployment.status?.conditions?.find((condition) => condition.type === wanted.type);
  const same = before?.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message;
  return {
    ...wanted,
    lastUpdateTime: same ? (before.lastUpdateTime ?? now) : now,
    lastTransitionTime: before?.status === wanted.status ? (before.lastTransitionTime ?? now) : now,
  };
}
