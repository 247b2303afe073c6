import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IDeploymentStatus } from "kubernetes-models/apps/v1/DeploymentStatus";
import type { IPodTemplateSpec } from "kubernetes-models/v1/PodTemplateSpec";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { timestamp } from "../machinery/clock.ts";
import { appsV1, coreV1 } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { deploymentConditions, progressTimeLeft } from "./deployment-conditions.ts";
import { controllerOf, controllerReference, isControlledBy, keyOf, splitKey } from "./owners.ts";
import type { ReplicaSet } from "./replica-set.ts";
import { nextReplicas, resolveFraction, type SetState } from "./rollout.ts";
import { WorkQueue } from "./work-queue.ts";

export type Deployment = IDeployment & KubeObject;

const REVISION = "deployment.kubernetes.io/revision";
const HASH = "pod-template-hash";
/** Annotations that say something about the Deployment's own bookkeeping and are not handed down. */
const notInherited = new Set([
  REVISION,
  "deployment.kubernetes.io/revision-history",
  "kubectl.kubernetes.io/last-applied-configuration",
]);

/** Rolls Deployments out by ReplicaSets, one for each template that they had. */
export function startDeployments(context: ControllerContext): Controller {
  const { resources, clock, logger, events } = context;
  const deployments = watchCache<Deployment>(resources, appsV1("deployments"));
  const sets = watchCache<ReplicaSet>(resources, appsV1("replicasets"));
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const queue = new WorkQueue({ name: "deployment", clock, logger, reconcile });

  deployments.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  sets.onChange(({ before, after }) => {
    const set = (after ?? before)!;
    const owner = controllerOf(set);
    if (owner?.kind === "Deployment") queue.add(`${set.metadata.namespace}/${owner.name}`);
  });
  // Recreate waits until the last old pod is really gone; a ReplicaSet's status does not tell.
  pods.onChange(({ before, after }) => {
    if (after !== undefined || before === undefined) return;
    const set = sets.get(before.metadata.namespace ?? "", controllerOf(before)?.name ?? "");
    const owner = set && controllerOf(set);
    if (owner?.kind === "Deployment") queue.add(`${before.metadata.namespace}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([deployments.synced, sets.synced, pods.synced]);
    const { namespace, name } = splitKey(key);
    const deployment = deployments.get(namespace, name);
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
    const owned = [...sets.all()].filter((set) => isControlledBy(set, deployment)).toSorted(byAge);
    let current = owned.find((set) => sameTemplate(set, deployment));
    if (deployment.spec?.paused !== true) {
      current = await ensureCurrent(deployment, owned, current);
      if (current !== undefined) await roll(deployment, current, owned);
      await trimHistory(deployment, owned, current);
    }
    await writeStatus(deployment, current, owned);
  }

  /** The set of the newest template; made if there is none, and brought to the front of the revisions if it is an old one. */
  async function ensureCurrent(
    deployment: Deployment,
    owned: readonly ReplicaSet[],
    found: ReplicaSet | undefined,
  ): Promise<ReplicaSet> {
    const newest = Math.max(0, ...owned.filter((set) => set !== found).map(revisionOf));
    const revision = found !== undefined && revisionOf(found) > newest ? revisionOf(found) : newest + 1;
    const set =
      found ?? (await resources.create<ReplicaSet>(appsV1("replicasets"), newReplicaSet(deployment, revision)));
    if (found === undefined)
      events.record(deployment, {
        type: "Normal",
        reason: "ScalingReplicaSet",
        message: `Created replica set ${set.metadata.name}`,
      });
    const annotation = String(revision);
    const patch = (object: KubeObject, type: "deployments" | "replicasets"): Promise<unknown> | undefined =>
      object.metadata.annotations?.[REVISION] === annotation
        ? undefined
        : resources.patch(appsV1(type), object.metadata.namespace, object.metadata.name ?? "", {
            type: "merge",
            body: { metadata: { annotations: { [REVISION]: annotation } } },
          });
    await Promise.all([patch(set, "replicasets"), patch(deployment, "deployments")]);
    return set;
  }

  async function roll(deployment: Deployment, current: ReplicaSet, owned: readonly ReplicaSet[]): Promise<void> {
    const old = owned.filter((set) => set.metadata.uid !== current.metadata.uid);
    const wanted = deployment.spec?.replicas ?? 1;
    const oldPods = [...pods.all()].filter((pod) => old.some((set) => isControlledBy(pod, set))).length;
    const next = nextReplicas({
      wanted,
      strategy: strategyOf(deployment, wanted),
      current: stateOf(current),
      old: old.map(stateOf),
      oldPods,
    });
    for (const [name, replicas] of next) {
      const set = [current, ...old].find((candidate) => candidate.metadata.name === name)!;
      const before = set.spec?.replicas ?? 0;
      await resources.patch(appsV1("replicasets"), set.metadata.namespace, name, {
        type: "merge",
        body: { spec: { replicas } },
      });
      events.record(deployment, {
        type: "Normal",
        reason: "ScalingReplicaSet",
        message: `Scaled ${replicas > before ? "up" : "down"} replica set ${name} from ${before} to ${replicas}`,
      });
    }
  }

  async function trimHistory(
    deployment: Deployment,
    owned: readonly ReplicaSet[],
    current: ReplicaSet | undefined,
  ): Promise<void> {
    const limit = deployment.spec?.revisionHistoryLimit ?? 10;
    const idle = owned.filter(
      (set) =>
        set.metadata.uid !== current?.metadata.uid &&
        (set.spec?.replicas ?? 0) === 0 &&
        (set.status?.replicas ?? 0) === 0,
    );
    const surplus = idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, idle.length - limit));
    await Promise.all(
      surplus.map((set) => resources.delete(appsV1("replicasets"), set.metadata.namespace, set.metadata.name ?? "")),
    );
  }

  async function writeStatus(
    deployment: Deployment,
    current: ReplicaSet | undefined,
    owned: readonly ReplicaSet[],
  ): Promise<void> {
    const all =
      current === undefined || owned.some((set) => set.metadata.uid === current.metadata.uid)
        ? owned
        : [...owned, current];
    const total = (of: (set: ReplicaSet) => number | undefined): number =>
      all.reduce((sum, set) => sum + (of(set) ?? 0), 0);
    const replicas = total((set) => set.status?.replicas);
    const availableReplicas = total((set) => set.status?.availableReplicas);
    const counts = {
      replicas,
      readyReplicas: total((set) => set.status?.readyReplicas),
      availableReplicas,
      updatedReplicas: (current && all.find((set) => set.metadata.uid === current.metadata.uid)?.status?.replicas) ?? 0,
      unavailableReplicas: Math.max(0, (deployment.spec?.replicas ?? 1) - availableReplicas),
    };
    const left = progressTimeLeft(deployment, { ...counts, current }, clock.now());
    if (left !== undefined && left > 0) queue.addLater(keyOf(deployment), left);
    const status: IDeploymentStatus = {
      ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
      observedGeneration: deployment.metadata.generation ?? 0,
      conditions: deploymentConditions(deployment, { ...counts, current }, timestamp(clock.now())),
    };
    if (isDeepStrictEqual(deployment.status, status)) return;
    await resources.updateStatus<Deployment>(appsV1("deployments"), { ...deployment, status });
  }

  return {
    stop: () => {
      queue.stop();
      for (const cache of [deployments, sets, pods]) cache.close();
    },
  };
}

function newReplicaSet(deployment: Deployment, revision: number): ReplicaSet {
  const template = deployment.spec?.template ?? {};
  const hash = templateHash(template);
  const labels = { ...template.metadata?.labels, [HASH]: hash };
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notInherited.has(name));
  const { selector, minReadySeconds } = deployment.spec ?? {};
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? "default",
      labels,
      annotations: { ...Object.fromEntries(inherited), [REVISION]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
  } as ReplicaSet;
}

/** Names a template: letters and digits that cannot spell words, ten at most, as Kubernetes' own hashes look. */
export function templateHash(template: IPodTemplateSpec): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  const digest = createHash("sha256").update(stableJson(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join("");
}

/** Fields in order, without those that are empty: to Kubernetes an empty field and a missing one are the same template. */
function stableJson(value: unknown): string {
  return JSON.stringify(meaningOf(value) ?? {});
}

function meaningOf(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value ?? undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => meaningOf(item) ?? {});
  const fields = Object.entries(value)
    .map(([name, part]) => [name, meaningOf(part)] as const)
    .filter(([, part]) => part !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function sameTemplate(set: ReplicaSet, deployment: Deployment): boolean {
  const { [HASH]: _, ...labels } = set.spec?.template?.metadata?.labels ?? {};
  const template = { ...set.spec?.template, metadata: { ...set.spec?.template?.metadata, labels } };
  return stableJson(template) === stableJson(deployment.spec?.template ?? {});
}

function strategyOf({ spec }: Deployment, wanted: number): Parameters<typeof nextReplicas>[0]["strategy"] {
  if (spec?.strategy?.type === "Recreate") return { type: "Recreate" };
  const { maxSurge, maxUnavailable } = spec?.strategy?.rollingUpdate ?? {};
  const surge = resolveFraction(maxSurge, wanted, "up");
  const unavailable = resolveFraction(maxUnavailable, wanted, "down");
  // Both zero would never move.
  return { type: "RollingUpdate", maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

const stateOf = (set: ReplicaSet): SetState => ({
  name: set.metadata.name ?? "",
  replicas: set.spec?.replicas ?? 0,
  available: set.status?.availableReplicas ?? 0,
});
const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[REVISION] ?? 0);
const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "") ||
  revisionOf(a) - revisionOf(b);
