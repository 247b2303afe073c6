import type { INode } from "kubernetes-models/v1/Node";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { coreV1, StatusError } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { keyOf, splitKey } from "./owners.ts";
import { WorkQueue } from "./work-queue.ts";

/** Milliseconds that a pod's node may be missing: at the start pods may be known before nodes. */
const NODE_GONE_MS = 5000;

/** Deletes pods that nobody else will: bound to a node that is gone, or deleted before they had one. */
export function startPodGc(context: ControllerContext): Controller {
  const { resources, clock, logger } = context;
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const nodes = watchCache<INode & KubeObject>(resources, coreV1("nodes"));
  const queue = new WorkQueue({ name: "pod-gc", clock, logger, reconcile });
  const isOrphan = ({ spec }: Pod): boolean =>
    spec?.nodeName !== undefined && nodes.get("", spec.nodeName) === undefined;
  const isUnstarted = ({ spec, metadata }: Pod): boolean =>
    spec?.nodeName === undefined && metadata.deletionTimestamp !== undefined;

  pods.onChange(({ after }) => {
    if (after === undefined) return;
    if (isUnstarted(after)) queue.add(keyOf(after));
    else if (isOrphan(after)) queue.addLater(keyOf(after), NODE_GONE_MS);
  });
  nodes.onChange(({ after }) => {
    if (after !== undefined) return;
    for (const pod of pods.all()) if (isOrphan(pod)) queue.addLater(keyOf(pod), NODE_GONE_MS);
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([pods.synced, nodes.synced]);
    const { namespace, name } = splitKey(key);
    const pod = pods.get(namespace, name);
    if (pod === undefined || (!isOrphan(pod) && !isUnstarted(pod))) return;
    const { uid } = pod.metadata;
    await resources
      .delete(coreV1("pods"), namespace, name, {
        gracePeriodSeconds: 0,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      })
      .catch((error: unknown) => {
        if (!(error instanceof StatusError) || (error.reason !== "NotFound" && error.reason !== "Conflict"))
          throw error;
      });
  }

  return {
    stop: () => {
      queue.stop();
      pods.close();
      nodes.close();
    },
  };
}
