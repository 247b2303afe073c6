import { type Workload, WorkloadType } from "#gen/istio/istio/workload/workload.ts";

const kinds: Readonly<Record<WorkloadType, string>> = {
  [WorkloadType.DEPLOYMENT]: "deployment",
  [WorkloadType.CRONJOB]: "cronjob",
  [WorkloadType.POD]: "pod",
  [WorkloadType.JOB]: "job",
  [WorkloadType.UNRECOGNIZED]: "deployment",
};

/** What a tunnel tells about who calls, for telemetry alone: nothing in it is proven. Source: Istio's HBONE. */
export function baggageOf(workload: Workload): string {
  const { clusterId, namespace, workloadType, workloadName, canonicalName, canonicalRevision, locality } = workload;
  const members: readonly (readonly [string, string | undefined])[] = [
    ["k8s.cluster.name", clusterId],
    ["k8s.namespace.name", namespace],
    [`k8s.${kinds[workloadType]}.name`, workloadName],
    ["service.name", canonicalName],
    ["service.version", canonicalRevision],
    ["cloud.region", locality?.region],
    ["cloud.availability_zone", locality?.zone],
  ];
  return members.flatMap(([name, value]) => (value ? [`${name}=${value}`] : [])).join(",");
}
