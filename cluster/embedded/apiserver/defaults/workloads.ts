import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, isObject, type JsonObject } from "../../machinery/json.ts";
import { ensure, fill } from "./fill.ts";
import { podSpec } from "./pods.ts";

function template(spec: JsonObject): void {
  const pod = ensure(spec, "template");
  ensure(pod, "metadata");
  podSpec(ensure(pod, "spec"));
}

export function deploymentSpec(spec: JsonObject): void {
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = ensure(spec, "strategy");
  fill(strategy, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate")
    fill(ensure(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
  template(spec);
}

export function replicaSetSpec(spec: JsonObject): void {
  fill(spec, { replicas: 1 });
  template(spec);
}

export function daemonSetSpec(spec: JsonObject): void {
  fill(spec, { revisionHistoryLimit: 10 });
  const strategy = ensure(spec, "updateStrategy");
  fill(strategy, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate") fill(ensure(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
  template(spec);
}

export function statefulSetSpec(spec: JsonObject): void {
  fill(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: "OrderedReady" });
  const strategy = ensure(spec, "updateStrategy");
  fill(strategy, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate") fill(ensure(strategy, "rollingUpdate"), { partition: 0 });
  fill(ensure(spec, "persistentVolumeClaimRetentionPolicy"), { whenDeleted: "Retain", whenScaled: "Retain" });
  for (const claim of asArray(spec.volumeClaimTemplates).filter(isObject)) {
    fill(claim, { kind: "PersistentVolumeClaim", apiVersion: "v1", status: { phase: "Pending" } });
    fill(ensure(claim, "spec"), { volumeMode: "Filesystem" });
  }
  template(spec);
}

/** Labels that a job does not have are those of its pods. */
export function jobDefaults(job: ApiObject): void {
  if (!isObject(job.spec)) return;
  jobSpec(job.spec);
  const labels = asObject(asObject(asObject(job.spec.template).metadata).labels);
  if (Object.keys(job.metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0)
    job.metadata.labels = { ...labels } as Record<string, string>;
}

function jobSpec(spec: JsonObject): void {
  // With parallelism alone it is a work queue, which has no number of completions.
  if (spec.parallelism === undefined) fill(spec, { completions: 1 });
  fill(spec, {
    parallelism: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed",
  });
  template(spec);
}

/** The jobs' own defaults come when they are made. */
export function cronJobSpec(spec: JsonObject): void {
  fill(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
  template(ensure(ensure(spec, "jobTemplate"), "spec"));
}

const POLICIES: readonly JsonObject[] = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];

export function autoscalerSpec(spec: JsonObject): void {
  fill(spec, { minReplicas: 1 });
  if (asArray(spec.metrics).length === 0)
    spec.metrics = [
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
    ];
  if (!isObject(spec.behavior)) return;
  fill(ensure(spec.behavior, "scaleUp"), {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: POLICIES.map((policy) => ({ ...policy })),
  });
  fill(ensure(spec.behavior, "scaleDown"), {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  });
}
