import { resolveHost } from "../model/host.ts";
import { authorizerServices } from "./authorization/custom.ts";
import { policiesOf } from "./authorization/policies.ts";
import { boundServers, boundTo } from "./bound-server.ts";
import { byName, collectUpstreams } from "./collect.ts";
import { destinationsIn } from "./destinations.ts";
import { blackHole, passthrough } from "./fixed-clusters.ts";
import { buildGateway } from "./gateway.ts";
import { tunnelEdges } from "./hbone/edges.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import type { EnvoyResources } from "./translate.ts";

/** A gateway: the listeners of its Gateways, and clusters only for what their routes lead to. */
export function translateRouter(context: OutboundContext): EnvoyResources {
  const { snapshot, proxy, scope, memo } = context;
  const gateways = new Set(boundServers(snapshot, proxy).map(({ gateway }) => gateway));
  const hosts = new Set(
    [...gateways].flatMap((gateway) =>
      boundTo(snapshot, gateway).flatMap(({ origin, spec }) =>
        destinationsIn(spec).map((destination) => resolveHost(destination.host, origin.namespace, snapshot.domain)),
      ),
    ),
  );
  const authorizers = authorizerServices(snapshot, policiesOf(snapshot, proxy));
  const referred = scope.services.filter((service) => hosts.has(service.hostname) || authorizers.includes(service));
  const services = memo.get(`referred ${proxy.id}`, referred, () => referred);
  const { clusters, endpoints } = collectUpstreams(context, services);
  const { listeners, routes } = buildGateway(context);
  const fixed = memo.get("fixed-clusters router", [snapshot.mesh], () => [blackHole(snapshot), passthrough(snapshot)]);
  const edges = tunnelEdges(snapshot, proxy, memo);
  return {
    clusters: memo.get(`clusters of ${proxy.id}`, [fixed, clusters, edges], () =>
      byName([...fixed, ...clusters, ...edges.clusters]),
    ),
    endpoints,
    listeners: memo.get(`listeners of ${proxy.id}`, [...listeners, edges], () =>
      byName([...listeners, ...edges.listeners]),
    ),
    routes: memo.get(`routes of ${proxy.id}`, routes, () => byName(routes)),
  };
}
