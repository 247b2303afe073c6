import { labels } from "#api/names.ts";
import { label, type PodDraft } from "./pod.ts";

/** What a pod belongs to, as people know it: the Deployment, not the ReplicaSet. */
export interface WorkloadOwner {
  readonly name: string;
  readonly kind: string;
  readonly apiVersion: string;
}

export function workloadOf(pod: PodDraft): WorkloadOwner {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) {
    const generated = pod.metadata.generateName?.replace(/-$/, "");
    return { name: pod.metadata.name ?? generated ?? "", kind: "Pod", apiVersion: "v1" };
  }
  const hash = label(pod, "pod-template-hash");
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return { name: owner.name.slice(0, -hash.length - 1), kind: "Deployment", apiVersion: "apps/v1" };
  }
  // CronJobs call their jobs name-minutes.
  const cron = owner.kind === "Job" ? /^(.+)-\d{8,}$/.exec(owner.name)?.[1] : undefined;
  if (cron !== undefined) return { name: cron, kind: "CronJob", apiVersion: "batch/v1" };
  return { name: owner.name, kind: owner.kind, apiVersion: owner.apiVersion };
}

/** Value of ISTIO_META_OWNER: kubernetes://apis/apps/v1/namespaces/shop/deployments/cart */
export function ownerUri({ apiVersion, kind, name }: WorkloadOwner, namespace: string): string {
  return `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
}

/** Name and revision under which metrics show the workload. Source: "Canonical service" in Istio's documentation. */
export function canonicalLabels(pod: PodDraft, workload: WorkloadOwner): Readonly<Record<string, string>> {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => label(pod, name)).find((value) => value !== undefined && value !== "");
  return {
    [labels.canonicalName]: first(labels.canonicalName, "app.kubernetes.io/name", labels.app) ?? workload.name,
    [labels.canonicalRevision]:
      first(labels.canonicalRevision, "app.kubernetes.io/version", labels.version) ?? "latest",
  };
}
