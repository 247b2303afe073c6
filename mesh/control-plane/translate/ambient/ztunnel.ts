import type { Authorization } from "#gen/istio/istio/security/authorization.ts";
import type { Address } from "#gen/istio/istio/workload/workload.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import type { Memo } from "../memo.ts";
import { serverIdentities } from "../server-identities.ts";
import type { AmbientResources } from "../translate.ts";
import { serviceAddress, serviceKey, workloadAddress, workloadUid } from "./addresses.ts";
import { localityOf } from "./locality.ts";
import { memberships } from "./memberships.ts";
import { authorizationKey, strictAuthorization } from "./peer-authorization.ts";
import { authorizationOf, selectedBy } from "./policy-authorization.ts";
import { unmanagedWorkloads } from "./unmanaged.ts";
import { boundTo, waypointAddress, waypointOfService, waypointOfWorkload } from "./waypoints.ts";

/** Every ztunnel is told the same: all workloads and services, and who may connect to them. */
export function translateZtunnel(snapshot: Snapshot, memo: Memo): AmbientResources {
  const { services, endpoints, workloads, nodes, peerAuthentications, authorizationPolicies, mesh } = snapshot;
  const { kubernetesGateways, namespaceLabels } = snapshot;
  const bindings = [kubernetesGateways, namespaceLabels];
  const deps = [services, endpoints, workloads, nodes, peerAuthentications, authorizationPolicies, mesh, ...bindings];
  return memo.get("ztunnel", deps, () => {
    const addresses: (readonly [string, Address])[] = [];
    const authorizations = new Map<string, Authorization>();
    for (const policy of authorizationPolicies) {
      const make = () => authorizationOf(policy, mesh);
      const authorization = memo.of(policy, "authorization", [mesh], make);
      if (authorization !== undefined) authorizations.set(authorizationKey(authorization), authorization);
    }
    for (const service of services.values()) {
      // A name for another name: whoever looks it up gets that one.
      if (service.origin.kind === "Service" && service.external) continue;
      const subjectAltNames = aliasIdentities(snapshot, service, memo);
      const waypoint = boundTo(waypointOfService(snapshot, service));
      const address = memo.of(service, "address", [subjectAltNames, waypoint], () =>
        serviceAddress(service, { subjectAltNames, waypoint: waypoint && waypointAddress(waypoint) }),
      );
      addresses.push([serviceKey(service), address]);
      const list = endpoints.get(service.hostname);
      addresses.push(...memo.of(service, "unmanaged", [list], () => unmanagedWorkloads(snapshot, service)));
    }
    const servicesOf = memberships(snapshot);
    for (const workload of workloads.values()) {
      const strict = strictAuthorization(snapshot, workload);
      if (strict !== undefined) {
        const key = authorizationKey(strict);
        authorizations.set(key, authorizations.get(key) ?? strict);
      }
      const selecting = selectedBy(snapshot, workload).map(({ origin }) => authorizationKey(origin));
      const policies = [...(strict === undefined ? [] : [authorizationKey(strict)]), ...selecting];
      const locality = localityOf(workload, nodes);
      const waypoint = boundTo(waypointOfWorkload(snapshot, workload));
      const address = waypoint && waypointAddress(waypoint);
      const context = { snapshot, services: servicesOf(workload), policies, locality, waypoint: address };
      const own = [JSON.stringify([context.services, policies, locality]), mesh, waypoint];
      const message = memo.of(workload, "address", own, () => workloadAddress(workload, context));
      addresses.push([workloadUid(workload, snapshot.clusterId), message]);
    }
    return { addresses: new Map(addresses), authorizations };
  });
}

/**
 * Names of the service's servers in the aliases of the trust domain. A ztunnel knows each workload's name in the mesh's own domain;
 * certificates that were signed before the domain changed still have the other one.
 */
function aliasIdentities(snapshot: Snapshot, service: Service, memo: Memo): readonly string[] {
  const identities = serverIdentities(snapshot, service, memo);
  const { trustDomain, trustDomainAliases } = snapshot.mesh;
  if (trustDomainAliases.length === 0) return service.subjectAltNames;
  return memo.of(service, "alias identities", [identities, trustDomain], () =>
    identities.filter((name) => !name.startsWith(`spiffe://${trustDomain}/`)),
  );
}
