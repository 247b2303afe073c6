import type { IConfigMap } from "kubernetes-models/v1/ConfigMap";
import type { IContainer } from "kubernetes-models/v1/Container";
import type { IContainerStatus } from "kubernetes-models/v1/ContainerStatus";
import type { IPod } from "kubernetes-models/v1/Pod";
import type { IPodSpec } from "kubernetes-models/v1/PodSpec";
import type { ISecret } from "kubernetes-models/v1/Secret";
import type { IService } from "kubernetes-models/v1/Service";
import type { KubeObject } from "#api/kinds/object.ts";

/** The objects that the node reads, as the API server gives them: metadata is always there. */
export type Pod = IPod & KubeObject;
export type ConfigMap = IConfigMap & KubeObject;
export type Secret = ISecret & KubeObject;
export type Service = IService & KubeObject;
export type Container = IContainer;
/** In which list of the pod a container stands. */
export type ContainerRole = "init" | "main" | "ephemeral";
export type PodSpec = IPodSpec;
export type ContainerStatus = IContainerStatus;

export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What identifies a pod. The API server sets all three. */
export function podName(pod: Pod): PodName {
  return { namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name ?? "", uid: pod.metadata.uid ?? "" };
}

/** Every container of the pod that a command or a log can be asked for. */
export function containersOf(pod: Pod): readonly Container[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers];
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}
