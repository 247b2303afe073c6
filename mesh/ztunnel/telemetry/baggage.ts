import { type Workload, WorkloadType } from "#gen/istio/istio/workload/workload.ts";
import { formatBaggage } from "#mesh/lib/hbone/baggage.ts";

const kinds: Readonly<Record<WorkloadType, string>> = {
  [WorkloadType.DEPLOYMENT]: "deployment",
  [WorkloadType.CRONJOB]: "cronjob",
  [WorkloadType.POD]: "pod",
  [WorkloadType.JOB]: "job",
  [WorkloadType.UNRECOGNIZED]: "deployment",
};

/** What a tunnel tells of the workload that calls. */
export const baggageOf = (workload: Workload): string =>
  formatBaggage({
    cluster: workload.clusterId,
    namespace: workload.namespace,
    kind: kinds[workload.workloadType],
    workload: workload.workloadName,
    service: workload.canonicalName,
    version: workload.canonicalRevision,
    region: workload.locality?.region ?? "",
    zone: workload.locality?.zone ?? "",
  });
