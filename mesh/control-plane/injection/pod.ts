import type { IPod } from "kubernetes-models/v1/Pod";

export type PodSpec = NonNullable<IPod["spec"]>;
export type Container = PodSpec["containers"][number];
export type EnvVar = NonNullable<Container["env"]>[number];
export type Volume = NonNullable<PodSpec["volumes"]>[number];
export type VolumeMount = NonNullable<Container["volumeMounts"]>[number];
export type Probe = NonNullable<Container["readinessProbe"]>;

/** A pod before it has a name: what an admission review or a template carries. */
export interface PodDraft {
  readonly metadata: NonNullable<IPod["metadata"]>;
  readonly spec: PodSpec;
}

export const PROXY_CONTAINER = "istio-proxy";
export const INIT_CONTAINER = "istio-init";

export const annotation = (pod: PodDraft, name: string): string | undefined => pod.metadata.annotations?.[name];
export const label = (pod: PodDraft, name: string): string | undefined => pod.metadata.labels?.[name];

/** Containers of the application: all but the proxy. */
export const applicationContainers = (pod: PodDraft): readonly Container[] =>
  pod.spec.containers.filter(({ name }) => name !== PROXY_CONTAINER);
