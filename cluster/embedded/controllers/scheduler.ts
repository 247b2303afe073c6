import type { INode } from "kubernetes-models/v1/Node";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { timestamp } from "../machinery/clock.ts";
import { coreV1 } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { whyNot } from "./node-fit.ts";
import { controllerOf, keyOf, splitKey } from "./owners.ts";
import { isActive } from "./pods.ts";
import { WorkQueue } from "./work-queue.ts";

type Node = INode & KubeObject;

/** Gives each pod a node: one that fits, with the fewest pods of the same owner, then the fewest pods. */
export function startScheduler(context: ControllerContext): Controller {
  const { resources, clock, logger, events } = context;
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const nodes = watchCache<Node>(resources, coreV1("nodes"));
  const queue = new WorkQueue({ name: "scheduler", clock, logger, reconcile });
  const needsNode = (pod: Pod): boolean =>
    pod.spec?.nodeName === undefined &&
    isActive(pod) &&
    (pod.spec?.schedulerName ?? "default-scheduler") === "default-scheduler";

  pods.onChange(({ after }) => {
    if (after !== undefined && needsNode(after)) queue.add(keyOf(after));
  });
  nodes.onChange(() => {
    for (const pod of pods.all()) if (needsNode(pod)) queue.add(keyOf(pod));
  });

  async function reconcile(key: string): Promise<void> {
    await Promise.all([pods.synced, nodes.synced]);
    const { namespace, name } = splitKey(key);
    const pod = pods.get(namespace, name);
    if (pod === undefined || !needsNode(pod) || (pod.spec?.schedulingGates?.length ?? 0) > 0) return;
    const node = chooseNode(pod, [...nodes.all()], [...pods.all()]);
    if (node === undefined) return refuse(pod);
    await resources.create(coreV1("pods/binding"), {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { namespace, name },
      target: { apiVersion: "v1", kind: "Node", name: node.metadata.name },
    } as KubeObject);
    events.record(pod, {
      type: "Normal",
      reason: "Scheduled",
      message: `Successfully assigned ${namespace}/${name} to ${node.metadata.name}`,
    });
  }

  async function refuse(pod: Pod): Promise<void> {
    const all = [...nodes.all()];
    const reasons = new Map<string, number>();
    for (const node of all) {
      const reason = whyNot(pod.spec ?? {}, node) ?? "node(s) were not ready";
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    const message = `0/${all.length} nodes are available: ${[...reasons].map(([reason, count]) => `${count} ${reason}`).join(", ") || "no nodes available"}.`;
    const before = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled");
    if (before?.status === "False" && before.message === message) return;
    events.record(pod, { type: "Warning", reason: "FailedScheduling", message });
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: timestamp(clock.now()),
    };
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    await resources.updateStatus<Pod>(coreV1("pods"), {
      ...pod,
      status: { ...pod.status, conditions: [...others, condition] },
    } as Pod);
  }

  return {
    stop: () => {
      queue.stop();
      pods.close();
      nodes.close();
    },
  };
}

/** Undefined if no node fits. */
export function chooseNode(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Node | undefined {
  const owner = controllerOf(pod)?.uid;
  const load = (node: Node): readonly [number, number] => {
    const here = pods.filter((other) => other.spec?.nodeName === node.metadata.name && isActive(other));
    return [owner === undefined ? 0 : here.filter((other) => controllerOf(other)?.uid === owner).length, here.length];
  };
  const fitting = nodes
    .filter((node) => whyNot(pod.spec ?? {}, node) === undefined)
    .map((node) => ({ node, load: load(node) }));
  return fitting.toSorted((a, b) => a.load[0] - b.load[0] || a.load[1] - b.load[1])[0]?.node;
}
