import { spiffeId } from "#api/names.ts";
import { trustDomainsOf } from "../../model/mesh-config.ts";
import type { Service, Snapshot } from "../../model/snapshot.ts";
import { byName, collectUpstreams } from "../collect.ts";
import { dependenciesOf } from "../destinations.ts";
import { internalCluster } from "../hbone/internal.ts";
import { CONNECT_ORIGINATE, ENCAP, MAIN_INTERNAL } from "../hbone/names.ts";
import { connectOriginateCluster, connectOriginateListener } from "../hbone/originate.ts";
import { connectTerminate } from "../hbone/terminate.ts";
import type { OutboundContext } from "../outbound-routes.ts";
import type { EnvoyResources } from "../translate.ts";
import { authorizersOf, virtualServiceOf, type WaypointContext } from "./chains.ts";
import { vipUpstreams } from "./clusters.ts";
import { mainInternal } from "./main-internal.ts";
import { type Members, membersOf } from "./members.ts";

/**
 * A waypoint: takes tunnels from ztunnels and sidecars, reads what is in them as the services that it is for would want, and sends
 * it on through tunnels of its own. Listeners and clusters are called and wired as Istio's.
 */
export function translateWaypoint(outbound: OutboundContext): EnvoyResources {
  const { snapshot, memo, proxy } = outbound;
  const members = membersOf(snapshot, proxy, memo);
  const services = memo.get(`waypoint-set ${proxy.id}`, [members.services], () => new Set(members.services));
  const context: WaypointContext = { ...outbound, members: services };
  const vips = vipUpstreams(context, members.services);
  const others = collectUpstreams(context, referredOthers(context, members));
  const identities = identitiesOf(context, members);
  const fixed = memo.get(`fixed-clusters waypoint ${identities.join(" ")}`, [snapshot.mesh], () => [
    internalCluster(MAIN_INTERNAL, MAIN_INTERNAL),
    internalCluster(ENCAP, CONNECT_ORIGINATE),
    connectOriginateCluster(snapshot, identities),
  ]);
  const edges = memo.get("listeners of waypoints", [snapshot.mesh], () => [
    connectTerminate(snapshot),
    connectOriginateListener(),
  ]);
  return {
    clusters: memo.get(`clusters of ${proxy.id}`, [fixed, vips.clusters, others.clusters], () =>
      byName([...fixed, ...vips.clusters, ...others.clusters]),
    ),
    endpoints: new Map([...vips.endpoints, ...others.endpoints]),
    listeners: listenersOf(context, members, edges),
    routes: new Map(),
  };
}

function listenersOf(
  context: WaypointContext,
  members: Members,
  edges: readonly ReturnType<typeof connectTerminate>[],
): EnvoyResources["listeners"] {
  const { snapshot, memo, proxy, scope } = context;
  const { authorizationPolicies, requestAuthentications, keySets, mesh, services, destinationRules } = snapshot;
  const policies = [authorizationPolicies, requestAuthentications, keySets];
  const routing = [scope.meshRoutes, services, destinationRules];
  const deps = [members.services, members.workloads, mesh, proxy.labels, ...policies, ...routing];
  const main = memo.get(`${MAIN_INTERNAL} of ${proxy.id}`, deps, () => mainInternal(context, members));
  return memo.get(`listeners of ${proxy.id}`, [main, ...edges], () => byName([main, ...edges]));
}

/** Services that are not behind this waypoint but that routes of those that are lead to, and external authorizers. */
function referredOthers(context: WaypointContext, { services }: Members): readonly Service[] {
  const { snapshot, scope, members, memo, proxy } = context;
  const referred = new Set<Service>(authorizersOf(context, services));
  for (const service of services) {
    const virtualService = virtualServiceOf(context, service);
    if (virtualService === undefined) continue;
    for (const target of dependenciesOf(snapshot, scope, virtualService)) {
      if (isService(target, snapshot) && !members.has(target)) referred.add(target);
    }
  }
  const list = [...referred];
  return memo.get(`referred ${proxy.id}`, list, () => list);
}

const isService = (target: unknown, { services }: Snapshot): target is Service =>
  typeof target === "object" &&
  target !== null &&
  "hostname" in target &&
  typeof target.hostname === "string" &&
  services.get(target.hostname) === target;

/** Beginnings of the names of those whom tunnels lead to: everybody in the namespaces of what is behind the waypoint. */
function identitiesOf({ snapshot, proxy }: WaypointContext, { services, workloads }: Members): readonly string[] {
  const namespaces = new Set([proxy.namespace, ...[...services, ...workloads].map(({ namespace }) => namespace)]);
  const domains = trustDomainsOf(snapshot.mesh);
  return [...namespaces].toSorted().flatMap((namespace) => domains.map((domain) => spiffeId(namespace, "", domain)));
}
