import {
  LoadBalancing_HealthPolicy as HealthPolicy,
  type LoadBalancing,
  LoadBalancing_Mode as Mode,
  LoadBalancing_Scope as Scope,
} from "#gen/istio/istio/workload/workload.ts";
import type { Service } from "../../model/snapshot.ts";

type Wishes = Pick<Service, "distribution" | "publishesNotReady" | "resolution">;

/**
 * How a ztunnel is to choose among a service's endpoints; undefined where all are alike. DestinationRules are for waypoints: a ztunnel
 * knows none. Source: what Istio's workload API says for each traffic distribution. Pure.
 */
export function loadBalancingOf(service: Wishes): LoadBalancing | undefined {
  const healthPolicy = service.publishesNotReady ? HealthPolicy.ALLOW_ALL : HealthPolicy.ONLY_HEALTHY;
  // Clients choose the address themselves.
  if (service.resolution === "none") return { routingPreference: [], mode: Mode.PASSTHROUGH, healthPolicy };
  switch (service.distribution) {
    case "only-node":
      return { routingPreference: [Scope.NODE], mode: Mode.STRICT, healthPolicy };
    case "same-zone":
      return { routingPreference: [Scope.NETWORK, Scope.REGION, Scope.ZONE], mode: Mode.FAILOVER, healthPolicy };
    case "same-node": {
      const routingPreference = [Scope.NETWORK, Scope.REGION, Scope.ZONE, Scope.SUBZONE, Scope.NODE];
      return { routingPreference, mode: Mode.FAILOVER, healthPolicy };
    }
    case "any":
      return service.publishesNotReady
        ? { routingPreference: [], mode: Mode.UNSPECIFIED_MODE, healthPolicy }
        : undefined;
  }
}
