import { isDeepStrictEqual } from "node:util";
import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import type { IStatefulSetStatus } from "kubernetes-models/apps/v1/StatefulSetStatus";
import type { IPodTemplateSpec } from "kubernetes-models/v1/PodTemplateSpec";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { appsV1, coreV1 } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { templateHash } from "./deployment.ts";
import { controllerOf, isControlledBy, keyOf, splitKey } from "./owners.ts";
import { createPod, deletePod } from "./pod-control.ts";
import { isActive, isAvailable, isReady } from "./pods.ts";
import { planStateful, type Replica } from "./stateful-plan.ts";
import { WorkQueue } from "./work-queue.ts";

type StatefulSet = IStatefulSet & KubeObject;

const HASH = "controller-revision-hash";

/** Pods with names that stay: one for each ordinal of a StatefulSet. */
export function startStatefulSets(context: ControllerContext): Controller {
  const { resources, clock, logger, events } = context;
  const sets = watchCache<StatefulSet>(resources, appsV1("statefulsets"));
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const queue = new WorkQueue({ name: "statefulset", clock, logger, retryMs: { first: 50, max: 1000 }, reconcile });

  sets.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  pods.onChange(({ before, after }) => {
    const pod = (after ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind === "StatefulSet") queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([sets.synced, pods.synced]);
    const { namespace, name } = splitKey(key);
    const set = sets.get(namespace, name);
    if (set === undefined) return;
    const revision = templateHash(set.spec?.template ?? {});
    const owned = [...pods.all()].filter((pod) => isControlledBy(pod, set));
    if (set.metadata.deletionTimestamp === undefined) await step(set, owned, revision);
    await writeStatus(set, owned.filter(isActive), revision);
  }

  async function step(set: StatefulSet, owned: readonly Pod[], revision: string): Promise<void> {
    if ((set.spec?.volumeClaimTemplates?.length ?? 0) > 0) return refuseClaims(set);
    const { replicas = 1, ordinals, podManagementPolicy, updateStrategy } = set.spec ?? {};
    const plan = planStateful({
      replicas,
      start: ordinals?.start ?? 0,
      ordered: podManagementPolicy !== "Parallel",
      revision,
      partition: updateStrategy?.type === "OnDelete" ? undefined : (updateStrategy?.rollingUpdate?.partition ?? 0),
      present: owned.map(replicaOf),
    });
    await Promise.all([
      ...plan.create.map((ordinal) =>
        createPod(context, set, templateOf(set, ordinal, revision), { name: `${set.metadata.name}-${ordinal}` }),
      ),
      ...owned
        .filter((pod) => plan.remove.includes(ordinalOf(pod)) && pod.metadata.deletionTimestamp === undefined)
        .map((pod) => deletePod(context, set, pod)),
    ]);
  }

  function refuseClaims(set: StatefulSet): void {
    events.record(set, {
      type: "Warning",
      reason: "FailedCreate",
      message:
        "volumeClaimTemplates need persistent volumes, which the embedded cluster does not have; use an emptyDir",
    });
  }

  async function writeStatus(set: StatefulSet, active: readonly Pod[], revision: string): Promise<void> {
    const ofRevision = (wanted: string): number =>
      active.filter((pod) => pod.metadata.labels?.[HASH] === wanted).length;
    const updated = ofRevision(revision);
    const wanted = set.spec?.replicas ?? 1;
    const settled = updated === wanted && active.length === wanted && active.every(isReady);
    const named = (hash: string): string => `${set.metadata.name}-${hash}`;
    const before = set.status?.currentRevision ?? named(revision);
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const available = active.filter((pod) => isAvailable(pod, minReadySeconds, clock.now())).length;
    const ready = active.filter(isReady).length;
    if (ready > available) queue.addLater(keyOf(set), minReadySeconds * 1000);
    const status: IStatefulSetStatus = {
      replicas: active.length,
      readyReplicas: ready,
      availableReplicas: available,
      updatedReplicas: updated,
      currentReplicas: settled
        ? updated
        : active.filter((pod) => named(pod.metadata.labels?.[HASH] ?? "") === before).length,
      currentRevision: settled ? named(revision) : before,
      updateRevision: named(revision),
      observedGeneration: set.metadata.generation ?? 0,
      collisionCount: 0,
    };
    if (isDeepStrictEqual(set.status, status)) return;
    await resources.updateStatus<StatefulSet>(appsV1("statefulsets"), { ...set, status });
  }

  return {
    stop: () => {
      queue.stop();
      sets.close();
      pods.close();
    },
  };
}

function templateOf(set: StatefulSet, ordinal: number, revision: string): IPodTemplateSpec {
  const template = set.spec?.template ?? {};
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = {
    ...template.metadata?.labels,
    [HASH]: revision,
    "apps.kubernetes.io/pod-index": String(ordinal),
    "statefulset.kubernetes.io/pod-name": name,
  };
  // The address <pod>.<service> comes from these two.
  const identity = { hostname: name, ...(set.spec?.serviceName && { subdomain: set.spec.serviceName }) };
  return {
    ...template,
    metadata: { ...template.metadata, labels },
    spec: { ...template.spec, ...identity },
  } as IPodTemplateSpec;
}

const ordinalOf = (pod: Pod): number => Number(/-(\d+)$/.exec(pod.metadata.name ?? "")?.[1] ?? -1);

function replicaOf(pod: Pod): Replica {
  const { phase } = pod.status ?? {};
  return {
    ordinal: ordinalOf(pod),
    revision: pod.metadata.labels?.[HASH] ?? "",
    ready: isReady(pod),
    terminating: pod.metadata.deletionTimestamp !== undefined,
    ended: phase === "Succeeded" || phase === "Failed",
  };
}
