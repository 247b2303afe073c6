import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IPod } from "kubernetes-models/v1/Pod";
import { labels } from "#api/names.ts";
import type { PodSummary } from "#api/rpc/terminal.ts";
import type { KnownWorkload } from "./topology.ts";

/** The Deployment (or other owner) that a pod belongs to: the name of its ReplicaSet without the hash. */
export function workloadOf(pod: IPod): string {
  const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller);
  if (owner === undefined) return pod.metadata?.name ?? "";
  const hash = pod.metadata?.labels?.["pod-template-hash"];
  return hash !== undefined && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
}

export function summaryOf(pod: IPod): PodSummary {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const init = new Set((pod.spec?.initContainers ?? []).map((container) => container.name));
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((container) => {
    const state = statuses.find((status) => status.name === container.name)?.state;
    const named = state?.running ? "running" : state?.terminated ? "terminated" : "waiting";
    return { name: container.name, init: init.has(container.name), state: named } as const;
  });
  return {
    namespace: pod.metadata?.namespace ?? "",
    name: pod.metadata?.name ?? "",
    workload: workloadOf(pod),
    node: pod.spec?.nodeName ?? "",
    ready: isReady(pod),
    phase: pod.metadata?.deletionTimestamp ? "Terminating" : (pod.status?.phase ?? "Pending"),
    reason: isReady(pod) ? undefined : reasonOf(pod),
    restarts: statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0),
    containers,
  };
}

export const isReady = (pod: IPod): boolean =>
  !pod.metadata?.deletionTimestamp &&
  (pod.status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True");

function reasonOf(pod: IPod): string | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const reason = state?.waiting?.reason ?? (state?.terminated?.exitCode ? state.terminated.reason : undefined);
    if (reason !== undefined && reason !== "PodInitializing") return `${name}: ${reason}`;
  }
  return (pod.status?.conditions ?? []).find((condition) => condition.status === "False")?.reason;
}

/** Deployments with their pods, for the picture. */
export function workloadsOf(deployments: readonly IDeployment[]): readonly KnownWorkload[] {
  return deployments.map((deployment) => {
    const podLabels = deployment.spec?.template.metadata?.labels ?? {};
    return {
      namespace: deployment.metadata?.namespace ?? "",
      name: deployment.metadata?.name ?? "",
      app: podLabels[labels.app] ?? podLabels[labels.canonicalName] ?? deployment.metadata?.name ?? "",
      version: podLabels[labels.version] ?? "",
      gateway: podLabels.istio?.endsWith("gateway") ?? false,
      pods: { ready: deployment.status?.readyReplicas ?? 0, total: deployment.spec?.replicas ?? 1 },
    };
  });
}

/** Whether a pod carries one of our proxies, so that there are metrics to read. */
export const hasProxy = (pod: IPod): boolean =>
  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(
    (container) => container.name === "istio-proxy",
  );
