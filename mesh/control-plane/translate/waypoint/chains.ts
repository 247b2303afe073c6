import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Route, VirtualHost } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { Service, ServicePort } from "../../model/snapshot.ts";
import { jwtAuthentication } from "../authentication/jwt.ts";
import { authorizerServices } from "../authorization/custom.ts";
import { httpAuthorization, networkAuthorization } from "../authorization/filters.ts";
import { policiesOf } from "../authorization/policies.ts";
import { type ClusterNaming, destinationsFor } from "../destinations.ts";
import { forwardDestination } from "../hbone/filter-state.ts";
import { ENCAP } from "../hbone/names.ts";
import { httpConnection, tcpProxy } from "../http-connection.ts";
import { tcpTarget } from "../l4-routes.ts";
import { buildChain } from "../listener-parts.ts";
import { outboundCluster, vipCluster } from "../names.ts";
import type { OutboundContext } from "../outbound-routes.ts";
import { buildRoutes } from "../route.ts";
import { buildRouteAction } from "../route-action.ts";
import { buildMatch } from "../route-match.ts";
import type { VirtualService } from "../scope.ts";
import { readingsOf } from "./members.ts";

/** What one waypoint's chains are built from. */
export interface WaypointContext extends OutboundContext {
  /** Services behind this waypoint: routes to them lead to their clusters, routes to others leave as any client's do. */
  readonly members: ReadonlySet<Service>;
}

export interface Vip {
  readonly service: Service;
  readonly port: ServicePort;
}

/** The chain that reads what is sent to a port of a service as HTTP. */
export function httpChain(context: WaypointContext, { service, port }: Vip): FilterChain {
  const { snapshot } = context;
  const name = vipCluster(port.port, "http", "", service.hostname);
  const target = { ...labelled(context), waypointFor: { service } };
  const routed = routesOf(context, { service, port });
  const routes = routed.length > 0 ? routed : [routeTo(name, `${service.hostname}:${port.port}/*`)];
  return buildChain({
    name,
    filters: [
      httpConnection({
        statPrefix: `inbound_0.0.0.0_${port.port};`,
        direction: "waypoint",
        mesh: snapshot.mesh,
        authorization: httpAuthorization(snapshot, policiesOf(snapshot, target), jwtAuthentication(snapshot, target)),
        routes: routeConfiguration(name, `inbound|http|${port.port}`, routes),
      }),
    ],
  });
}

/** The chain that passes on bytes. */
export function tcpChain(context: WaypointContext, { service, port }: Vip): FilterChain {
  const { snapshot, scope, proxy } = context;
  const name = vipCluster(port.port, "tcp", "", service.hostname);
  const policies = policiesOf(snapshot, { ...labelled(context), waypointFor: { service } });
  const client = { snapshot, scope, port: port.port, gateway: "mesh", namespace: proxy.namespace, labels: {} };
  const target = tcpTarget({ ...client, nameOf: namingOf(context, "tcp") }, virtualServiceOf(context, service)) ?? name;
  return buildChain({
    name,
    filters: [...networkAuthorization(snapshot, policies), tcpProxy(target, snapshot.mesh, name)],
  });
}

/** Chains for what is sent to a workload itself: they keep its address. */
export function directChains(context: WaypointContext): readonly FilterChain[] {
  const { snapshot } = context;
  const target = { ...labelled(context), waypointFor: { service: undefined } };
  const policies = policiesOf(snapshot, target);
  return [
    buildChain({
      name: "direct-tcp",
      filters: [forwardDestination(), ...networkAuthorization(snapshot, policies), tcpProxy(ENCAP, snapshot.mesh)],
    }),
    buildChain({
      name: "direct-http",
      filters: [
        forwardDestination(),
        httpConnection({
          statPrefix: "inbound_0.0.0.0_0;",
          direction: "waypoint",
          mesh: snapshot.mesh,
          authorization: httpAuthorization(snapshot, policies, jwtAuthentication(snapshot, target)),
          routes: routeConfiguration(ENCAP, "inbound|http|0", [routeTo(ENCAP, "")]),
        }),
      ],
    }),
  ];
}

const labelled = ({ proxy: { namespace, labels, type } }: WaypointContext) => ({ namespace, labels, type });

/** External authorizers that policies for this waypoint name: it has to reach them. */
export const authorizersOf = (context: WaypointContext, services: readonly Service[]): readonly Service[] =>
  [undefined, ...services].flatMap((service) =>
    authorizerServices(
      context.snapshot,
      policiesOf(context.snapshot, { ...labelled(context), waypointFor: { service } }),
    ),
  );

/** The VirtualService in force: only namespaces of the service and of the waypoint have a say. Source: Istio. */
export function virtualServiceOf({ scope, proxy }: WaypointContext, service: Service): VirtualService | undefined {
  const found = scope.meshRoutes.get(service.hostname);
  const namespace = found?.origin.namespace;
  return namespace === service.namespace || namespace === proxy.namespace ? found : undefined;
}

function routesOf(context: WaypointContext, { service, port }: Vip): Route[] {
  const { snapshot, scope, proxy } = context;
  const virtualService = virtualServiceOf(context, service);
  if (virtualService?.spec.http === undefined) return [];
  return buildRoutes({
    virtualService,
    // A caller's labels are not known here: routes that ask for some never apply.
    client: { namespace: proxy.namespace, labels: {}, port: port.port, gateways: ["mesh"] },
    destinations: destinationsFor(snapshot, scope, {
      virtualService,
      port: port.port,
      nameOf: namingOf(context, "http"),
    }),
    operation: `${service.hostname}:${port.port}`,
  });
}

/** Clusters of the waypoint's own services for these, the usual ones for others. */
const namingOf =
  ({ members }: WaypointContext, reading: "http" | "tcp"): ClusterNaming =>
  ({ host, service, port, subset }) => {
    if (service === undefined || !members.has(service)) return outboundCluster(port, subset, host);
    const readings = service.ports.filter((one) => one.port === port).flatMap(readingsOf);
    const own = readings.length === 0 || readings.includes(reading) ? reading : (readings[0] ?? reading);
    return vipCluster(port, own, subset, host);
  };

function routeTo(cluster: string, operation: string): Route {
  const action = buildRouteAction({
    route: { route: [{ destination: { host: "" } }] },
    pathRegex: undefined,
    destinations: { cluster: () => cluster, hashing: () => undefined },
  });
  return {
    ...Route.fromPartial({ name: "default", ...(operation === "" ? {} : { decorator: { operation } }) }),
    match: buildMatch(undefined),
    action: { $case: "route", value: action },
  };
}

const routeConfiguration = (name: string, host: string, routes: Route[]): RouteConfiguration => ({
  ...RouteConfiguration.fromPartial({ name, validateClusters: false }),
  virtualHosts: [
    { ...VirtualHost.fromPartial({ name: host, domains: ["*"], includeRequestAttemptCount: true }), routes },
  ],
});
