import { isDeepStrictEqual } from "node:util";
import type { IReplicaSet } from "kubernetes-models/apps/v1/ReplicaSet";
import type { IReplicaSetStatus } from "kubernetes-models/apps/v1/ReplicaSetStatus";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { timestamp } from "../machinery/clock.ts";
import { appsV1, coreV1, type ResourceType } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { sliceType } from "./endpoint-slice.ts";
import { controllerOf, isControlledBy, keyOf, splitKey } from "./owners.ts";
import { createPod, deletePod } from "./pod-control.ts";
import { deletionOrder, isActive, isAvailable, isReady } from "./pods.ts";
import { WorkQueue } from "./work-queue.ts";

export type ReplicaSet = IReplicaSet & KubeObject;

const webhookType: ResourceType = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  resource: "mutatingwebhookconfigurations",
};
/** Pods made or deleted at once for one ReplicaSet. */
const BURST = 100;

/** Keeps as many pods as each ReplicaSet says. */
export function startReplicaSets(context: ControllerContext): Controller {
  const { resources, clock, logger } = context;
  const sets = watchCache<ReplicaSet>(resources, appsV1("replicasets"));
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const queue = new WorkQueue({ name: "replicaset", clock, logger, retryMs: { first: 50, max: 1000 }, reconcile });
  /** Pods that were made but have not come back by the watch. */
  const expected = new Map<string, Set<string>>();
  /** Sets whose pods were refused. Mostly by a webhook that does not answer yet: when services change they are tried at once. */
  const refused = new Set<string>();
  const tryRefused = (): void => {
    for (const key of refused) queue.add(key);
  };
  const stopHelpers = [sliceType, webhookType].map((type) =>
    resources.watch<KubeObject>(type, {}, { onEvent: tryRefused }),
  );

  sets.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  pods.onChange(({ before, after }) => {
    const pod = (after ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind !== "ReplicaSet") return;
    const key = `${pod.metadata.namespace}/${owner.name}`;
    expected.get(key)?.delete(pod.metadata.name ?? "");
    queue.add(key);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([sets.synced, pods.synced]);
    const { namespace, name } = splitKey(key);
    const set = sets.get(namespace, name);
    refused.delete(key);
    if (set === undefined) return void expected.delete(key);
    const owned = [...pods.all()].filter((pod) => isControlledBy(pod, set));
    const active = owned.filter(isActive);
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await scale(set, active, key);
      } catch (error) {
        failure = error;
        refused.add(key);
      }
    }
    await writeStatus(set, active, failure);
    if (failure !== undefined) throw failure;
  }

  async function scale(set: ReplicaSet, active: readonly Pod[], key: string): Promise<void> {
    const wanted = set.spec?.replicas ?? 1;
    const coming = expected.get(key) ?? new Set<string>();
    const missing = wanted - active.length - coming.size;
    if (missing > 0) {
      const template = set.spec?.template ?? {};
      expected.set(key, coming);
      await Promise.all(
        Array.from({ length: Math.min(missing, BURST) }, async () => {
          const pod = await createPod(context, set, template);
          const podName = pod.metadata.name ?? "";
          if (pods.get(pod.metadata.namespace ?? "", podName) === undefined) coming.add(podName);
        }),
      );
    } else if (active.length > wanted) {
      const surplus = deletionOrder(active).slice(0, Math.min(active.length - wanted, BURST));
      await Promise.all(surplus.map((pod) => deletePod(context, set, pod)));
    }
  }

  async function writeStatus(set: ReplicaSet, active: readonly Pod[], failure: unknown): Promise<void> {
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const now = clock.now();
    const available = active.filter((pod) => isAvailable(pod, minReadySeconds, now));
    const templateLabels = Object.entries(set.spec?.template?.metadata?.labels ?? {});
    const labelled = active.filter((pod) =>
      templateLabels.every(([label, value]) => pod.metadata.labels?.[label] === value),
    );
    const status: IReplicaSetStatus = {
      replicas: active.length,
      fullyLabeledReplicas: labelled.length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: available.length,
      observedGeneration: set.metadata.generation ?? 0,
      ...conditionsOf(set, failure, timestamp(now)),
    };
    const waiting = active.filter(isReady).length - available.length;
    if (waiting > 0) queue.addLater(keyOf(set), minReadySeconds * 1000);
    if (
      isDeepStrictEqual(
        { ...set.status, conditions: set.status?.conditions ?? [] },
        { ...status, conditions: status.conditions ?? [] },
      )
    )
      return;
    await resources.updateStatus<ReplicaSet>(appsV1("replicasets"), { ...set, status });
  }

  return {
    stop: () => {
      queue.stop();
      sets.close();
      pods.close();
      for (const stop of stopHelpers) stop();
    },
  };
}

function conditionsOf(set: ReplicaSet, failure: unknown, now: string): Pick<IReplicaSetStatus, "conditions"> {
  const others = (set.status?.conditions ?? []).filter((condition) => condition.type !== "ReplicaFailure");
  if (failure === undefined) return others.length === 0 ? {} : { conditions: others };
  const before = set.status?.conditions?.find((condition) => condition.type === "ReplicaFailure");
  const message = failure instanceof Error ? failure.message : String(failure);
  return {
    conditions: [
      ...others,
      {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message,
        lastTransitionTime: before?.lastTransitionTime ?? now,
      },
    ],
  };
}
