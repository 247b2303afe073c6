import { annotations as names } from "#api/names.ts";
import type { TrafficDistribution } from "../model/snapshot.ts";

interface Wishes {
  readonly internalTrafficPolicy?: string | undefined;
  readonly trafficDistribution?: string | undefined;
}

/**
 * Which endpoints a service wants its clients to have: its internal traffic policy decides before its traffic distribution, and that
 * before the annotation. Source: Kubernetes' Service reference, Istio's documentation of networking.istio.io/traffic-distribution. Pure.
 */
export function trafficDistribution(
  { internalTrafficPolicy, trafficDistribution }: Wishes,
  annotations: Readonly<Record<string, string>>,
): TrafficDistribution {
  if (internalTrafficPolicy === "Local") return "only-node";
  switch ((trafficDistribution ?? annotations[names.trafficDistribution])?.toLowerCase()) {
    case "preferclose":
    case "prefersamezone":
      return "same-zone";
    case "prefersamenode":
      return "same-node";
    default:
      return "any";
  }
}
