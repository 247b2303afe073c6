import { isDeepStrictEqual } from "node:util";
import type { IDaemonSet } from "kubernetes-models/apps/v1/DaemonSet";
import type { IDaemonSetStatus } from "kubernetes-models/apps/v1/DaemonSetStatus";
import type { INode } from "kubernetes-models/v1/Node";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { appsV1, coreV1 } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { templateHash } from "./deployment.ts";
import { fitsNode } from "./node-fit.ts";
import { controllerOf, isControlledBy, keyOf, splitKey } from "./owners.ts";
import { createPod, deletePod } from "./pod-control.ts";
import { isActive, isReady } from "./pods.ts";
import { WorkQueue } from "./work-queue.ts";

type DaemonSet = IDaemonSet & KubeObject;
type Node = INode & KubeObject;

const HASH = "controller-revision-hash";

/** A number, or a percentage of the nodes, rounded up as Kubernetes does for surges. */
const countOf = (value: string | number | undefined, nodes: number): number =>
  typeof value === "string" ? Math.ceil((Number.parseFloat(value) / 100) * nodes) : (value ?? 0);

/**
 * Replacing with a surge: the new pod comes beside the old one, which goes when the new one is ready. Gives the outdated pods that get
 * a successor now, and those that end. Pure.
 * @param nodes the pods of each node
 */
export function surgeStep(
  nodes: readonly (readonly Pod[])[],
  { isOutdated, surge }: { readonly isOutdated: (pod: Pod) => boolean; readonly surge: number },
): { readonly begin: readonly Pod[]; readonly end: readonly Pod[] } {
  const successors = (pods: readonly Pod[]): readonly Pod[] => pods.filter((pod) => isActive(pod) && !isOutdated(pod));
  const waiting = nodes.filter((pods) => pods.some(isOutdated));
  const end = waiting.flatMap((pods) => {
    const replaced = successors(pods).some(isReady);
    return pods.filter((pod) => isOutdated(pod) && (replaced || !isReady(pod)));
  });
  const surging = waiting.filter((pods) => successors(pods).length > 0 && !successors(pods).some(isReady)).length;
  const begin = waiting
    .filter((pods) => successors(pods).length === 0)
    .slice(0, Math.max(0, surge - surging))
    .flatMap((pods) => pods.find(isOutdated) ?? []);
  return { begin, end };
}

/** One pod of each DaemonSet on every node that it fits; replaced one after the other when the template changes. */
export function startDaemonSets(context: ControllerContext): Controller {
  const { resources, clock, logger } = context;
  const sets = watchCache<DaemonSet>(resources, appsV1("daemonsets"));
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const nodes = watchCache<Node>(resources, coreV1("nodes"));
  const queue = new WorkQueue({ name: "daemonset", clock, logger, retryMs: { first: 50, max: 1000 }, reconcile });
  const expected = new Map<string, Set<string>>();

  sets.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  nodes.onChange(() => {
    for (const set of sets.all()) queue.add(keyOf(set));
  });
  pods.onChange(({ before, after }) => {
    const pod = (after ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind !== "DaemonSet") return;
    const key = `${pod.metadata.namespace}/${owner.name}`;
    expected.get(key)?.delete(pod.spec?.nodeName ?? "");
    queue.add(key);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([sets.synced, pods.synced, nodes.synced]);
    const { namespace, name } = splitKey(key);
    const set = sets.get(namespace, name);
    if (set === undefined) return void expected.delete(key);
    const hash = templateHash(set.spec?.template ?? {});
    const owned = [...pods.all()].filter((pod) => isControlledBy(pod, set));
    const wanted = [...nodes.all()]
      .filter((node) => fitsNode(set.spec?.template?.spec ?? {}, node, { daemon: true }))
      .map((node) => node.metadata.name ?? "");
    if (set.metadata.deletionTimestamp === undefined) await place(set, { key, owned, wanted, hash });
    await writeStatus(set, { owned: owned.filter(isActive), wanted, hash });
  }

  async function place(
    set: DaemonSet,
    state: {
      readonly key: string;
      readonly owned: readonly Pod[];
      readonly wanted: readonly string[];
      readonly hash: string;
    },
  ): Promise<void> {
    const { key, owned, wanted, hash } = state;
    const coming = expected.get(key) ?? new Set<string>();
    expected.set(key, coming);
    const onNode = (node: string): readonly Pod[] => owned.filter((pod) => pod.spec?.nodeName === node);
    const template = set.spec?.template ?? {};
    const labelled = {
      ...template,
      metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [HASH]: hash } },
    };
    const create = async (node: string): Promise<void> => {
      if (coming.has(node)) return;
      coming.add(node);
      await createPod(context, set, labelled, { nodeName: node }).catch((error: unknown) => {
        coming.delete(node);
        throw error;
      });
    };
    for (const node of wanted) if (onNode(node).length === 0) await create(node);
    const superfluous = owned.filter((pod) => isActive(pod) && !wanted.includes(pod.spec?.nodeName ?? ""));
    const ended = owned.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isActive(pod));
    for (const pod of [...superfluous, ...ended]) await deletePod(context, set, pod);
    if (set.spec?.updateStrategy?.type === "OnDelete") return;
    const isOutdated = (pod: Pod): boolean => isActive(pod) && pod.metadata.labels?.[HASH] !== hash;
    const surge = countOf(set.spec?.updateStrategy?.rollingUpdate?.maxSurge, wanted.length);
    if (surge > 0) {
      const { begin, end } = surgeStep(wanted.map(onNode), { isOutdated, surge });
      for (const pod of begin) await create(pod.spec?.nodeName ?? "");
      for (const pod of end) await deletePod(context, set, pod);
      return;
    }
    const outdated = owned.filter(isOutdated);
    const allReady = wanted.every((node) => onNode(node).some((pod) => isActive(pod) && isReady(pod)));
    // One at a time; those that do not work anyway need not wait.
    const next = outdated.find((pod) => !isReady(pod)) ?? (allReady ? outdated[0] : undefined);
    if (next !== undefined) await deletePod(context, set, next);
  }

  async function writeStatus(
    set: DaemonSet,
    state: { readonly owned: readonly Pod[]; readonly wanted: readonly string[]; readonly hash: string },
  ): Promise<void> {
    const { owned, wanted, hash } = state;
    const placed = owned.filter((pod) => wanted.includes(pod.spec?.nodeName ?? ""));
    const ready = placed.filter(isReady).length;
    const status: IDaemonSetStatus = {
      desiredNumberScheduled: wanted.length,
      currentNumberScheduled: placed.length,
      numberMisscheduled: owned.length - placed.length,
      numberReady: ready,
      numberAvailable: ready,
      updatedNumberScheduled: placed.filter((pod) => pod.metadata.labels?.[HASH] === hash).length,
      ...(wanted.length > ready && { numberUnavailable: wanted.length - ready }),
      observedGeneration: set.metadata.generation ?? 0,
    };
    if (!isDeepStrictEqual(set.status, status))
      await resources.updateStatus<DaemonSet>(appsV1("daemonsets"), { ...set, status });
  }

  return {
    stop: () => {
      queue.stop();
      for (const cache of [sets, pods, nodes]) cache.close();
    },
  };
}
