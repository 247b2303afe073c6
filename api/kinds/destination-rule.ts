import type { IDestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1/DestinationRule";
import { checkUnique, type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkExportTo, checkLabelName, checkLabels, checkWildcardHost } from "./rules.ts";
import { checkTrafficPolicy } from "./traffic-policy.ts";

/** Reads a DestinationRule and judges it by Istio's rules. Source: DestinationRule in Istio's API reference. */
export const parseDestinationRule = (object: KubeObject): Parsed<IDestinationRule> => parseWith(object, check);

function check(spec: Field): void {
  if (spec.at("host").require()) checkWildcardHost(spec.at("host"));
  checkTrafficPolicy(spec.at("trafficPolicy"));
  const subsets = spec.at("subsets").items();
  for (const subset of subsets) {
    if (subset.at("name").require()) checkLabelName(subset.at("name"), "subset");
    checkLabels(subset.at("labels"));
    checkTrafficPolicy(subset.at("trafficPolicy"));
    if (subset.at("labels").entries().length === 0 && !subset.has("trafficPolicy")) {
      subset.warn("has neither labels nor a policy, so it is the whole service");
    }
  }
  checkUnique(
    subsets.map((subset) => subset.at("name")),
    "subset",
  );
  checkExportTo(spec.at("exportTo"));
  checkLabels(spec.at("workloadSelector").at("matchLabels"));
}
