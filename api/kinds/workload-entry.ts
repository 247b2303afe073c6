import type { IWorkloadEntry } from "@kubernetes-models/istio/networking.istio.io/v1/WorkloadEntry";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkNotNegative, checkPort, isAddress, isHostName } from "./rules.ts";

/** Reads a WorkloadEntry and judges it by Istio's rules. Source: WorkloadEntry in Istio's API reference. */
export const parseWorkloadEntry = (object: KubeObject): Parsed<IWorkloadEntry> =>
  parseWith(object, (spec) => {
    if (!spec.has("address") && !spec.has("network")) spec.at("address").error("is required (or a network)");
    checkWorkload(spec);
  });

/** A workload outside Kubernetes, in WorkloadEntry and as the template of WorkloadGroup. */
export function checkWorkload(workload: Field): void {
  const address = workload.at("address").text();
  if (
    address !== undefined &&
    address !== "" &&
    !address.startsWith("unix://") &&
    !isAddress(address) &&
    !isHostName(address)
  ) {
    workload.at("address").error(`"${address}" is neither an address nor a host name`);
  }
  for (const [, port] of workload.at("ports").entries()) checkPort(port);
  if (address?.startsWith("unix://") === true && workload.at("ports").entries().length > 0)
    workload.at("ports").error("a socket file has no ports");
  checkLabels(workload.at("labels"));
  checkNotNegative(workload.at("weight"));
}
