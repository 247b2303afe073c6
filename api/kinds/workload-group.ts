import type { IWorkloadGroup } from "@kubernetes-models/istio/networking.istio.io/v1/WorkloadGroup";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkNotNegative, checkPort } from "./rules.ts";
import { checkWorkload } from "./workload-entry.ts";

/** Reads a WorkloadGroup and judges it by Istio's rules. Source: WorkloadGroup in Istio's API reference. */
export const parseWorkloadGroup = (object: KubeObject): Parsed<IWorkloadGroup> => parseWith(object, check);

const methods = ["httpGet", "tcpSocket", "exec", "grpc"];

function check(spec: Field): void {
  checkLabels(spec.at("metadata").at("labels"));
  if (spec.at("template").require()) checkWorkload(spec.at("template"));
  if (spec.at("template").has("address"))
    spec.at("template").at("address").error("belongs to each WorkloadEntry, not to the group");
  const probe = spec.at("probe");
  if (!probe.present) return;
  if (probe.presentOf(...methods).length !== 1) probe.error(`needs exactly one of ${methods.join(", ")}`);
  for (const name of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"])
    checkNotNegative(probe.at(name));
  for (const name of ["httpGet", "tcpSocket", "grpc"]) checkPort(probe.at(name).at("port"));
}
