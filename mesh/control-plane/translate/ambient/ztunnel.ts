import type { Snapshot } from "../../model/snapshot.ts";
import type { Memo } from "../memo.ts";
import type { AmbientResources } from "../translate.ts";
import { serviceAddress, serviceKey, workloadAddress, workloadUid } from "./addresses.ts";
import { memberships } from "./memberships.ts";
import { authorizationKey, strictAuthorization } from "./peer-authorization.ts";

/** Every ztunnel is told the same: all workloads and services, and who may connect to them. */
export function translateZtunnel(snapshot: Snapshot, memo: Memo): AmbientResources {
  const { services, endpoints, workloads, peerAuthentications, mesh } = snapshot;
  return memo.get("ztunnel", [services, endpoints, workloads, peerAuthentications, mesh], () => {
    const addresses: [string, ReturnType<typeof serviceAddress>][] = [];
    const authorizations = new Map<string, NonNullable<ReturnType<typeof strictAuthorization>>>();
    for (const service of services.values()) {
      if (service.resolution !== "static") continue;
      addresses.push([serviceKey(service), memo.of(service, "address", [], () => serviceAddress(service))]);
    }
    const servicesOf = memberships(snapshot);
    for (const workload of workloads.values()) {
      const strict = strictAuthorization(snapshot, workload);
      const policies = strict === undefined ? [] : [authorizationKey(strict)];
      for (const key of policies) if (strict !== undefined) authorizations.set(key, authorizations.get(key) ?? strict);
      const context = { snapshot, services: servicesOf(workload), policies };
      const deps = [JSON.stringify([context.services, policies]), mesh];
      const address = memo.of(workload, "address", deps, () => workloadAddress(workload, context));
      addresses.push([workloadUid(workload, snapshot.clusterId), address]);
    }
    return { addresses: new Map(addresses), authorizations };
  });
}
