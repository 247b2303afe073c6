import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { type Route, Route as RouteCodec, VirtualHost } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { shortNames } from "../model/host.ts";
import { isHttp } from "../model/protocol.ts";
import type { ProxyNode, Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { dependenciesOf, destinationsFor } from "./destinations.ts";
import type { Memo } from "./memo.ts";
import { outboundCluster, PASSTHROUGH } from "./names.ts";
import { buildRoutes } from "./route.ts";
import { buildRouteAction } from "./route-action.ts";
import { buildMatch } from "./route-match.ts";
import type { Scope, VirtualService } from "./scope.ts";

export interface OutboundContext {
  readonly snapshot: Snapshot;
  readonly scope: Scope;
  readonly proxy: ProxyNode;
  readonly memo: Memo;
  /** See sourceKeyOf. */
  readonly sourceKey: string;
}

/** Hosts that a VirtualService names but no service has are reached on this port. Source: Istio. */
const PORT_OF_UNKNOWN_HOSTS = 80;

/** Whether a port of a service is one of many on the port's common listener, where the host of a request tells them apart. */
export const sharesPort = (service: Service, { protocol }: ServicePort): boolean =>
  isHttp(protocol) || (protocol === "auto" && !hasAddress(service));

/** Whether clients dial an address of the service's own (or those of its pods). */
export const hasAddress = (service: Service): boolean => service.addresses.length > 0 || service.headless;

/** Route configuration of all HTTP services on one port, as the name of the port. */
export function buildPortRoutes(
  context: OutboundContext,
  port: number,
  services: readonly Service[],
): RouteConfiguration {
  const hosts = services.flatMap((service) => {
    const servicePort = service.ports.find((candidate) => candidate.port === port && sharesPort(service, candidate));
    return servicePort === undefined ? [] : [serviceHost(context, service, servicePort)];
  });
  const unknown = port === PORT_OF_UNKNOWN_HOSTS ? unknownHosts(context, port) : [];
  return routeConfiguration(context, String(port), [...hosts, ...unknown]);
}

/** Route configuration of one service on a port whose protocol is detected, as "host:port". */
export function buildServiceRoutes(context: OutboundContext, service: Service, port: ServicePort): RouteConfiguration {
  const host = serviceHost(context, service, port);
  // The listener is the service's own: whatever the client calls it, it means this service.
  return routeConfiguration(context, `${service.hostname}:${port.port}`, [host]);
}

function routeConfiguration(context: OutboundContext, name: string, hosts: readonly VirtualHost[]): RouteConfiguration {
  const { memo, scope } = context;
  const key = `routes ${scope.view} ${name} ${context.sourceKey}`;
  return memo.get(key, [...hosts, scope.outboundMode], () => ({
    ...RouteConfiguration.fromPartial({ name, maxDirectResponseBodySizeBytes: 1_048_576, validateClusters: false }),
    virtualHosts: [...uniqueDomains(hosts), fallbackHost(scope)],
    ignorePortInHostMatching: true,
  }));
}

/** A domain may stand in one virtual host only; the first keeps it. */
export function uniqueDomains(hosts: readonly VirtualHost[]): VirtualHost[] {
  const seen = new Set<string>();
  return hosts.flatMap((host) => {
    const domains = host.domains.filter((domain) => !seen.has(domain.toLowerCase()));
    for (const domain of domains) seen.add(domain.toLowerCase());
    if (domains.length === host.domains.length) return [host];
    return domains.length === 0 ? [] : [{ ...host, domains }];
  });
}

/** What leads nowhere that the mesh knows: passed on as it is, or refused if only registered services may be called. */
function fallbackHost({ outboundMode }: Scope): VirtualHost {
  const refuse = outboundMode === "REGISTRY_ONLY";
  const name = refuse ? "block_all" : "allow_any";
  const action: Route["action"] = refuse
    ? { $case: "directResponse", value: { status: 502, body: undefined } }
    : { $case: "route", value: plainAction(PASSTHROUGH) };
  return {
    ...VirtualHost.fromPartial({ name, domains: ["*"], includeRequestAttemptCount: true }),
    routes: [{ ...RouteCodec.fromPartial({ name }), match: buildMatch(undefined), action }],
  };
}

const plainAction = (cluster: string) => ({
  ...buildRouteAction({
    route: { route: [{ destination: { host: "" } }], retries: { attempts: 0 } },
    pathRegex: undefined,
    destinations: { cluster: () => cluster, hashing: () => undefined },
  }),
});

/**
 * The part of the client that routes can depend on, beside the rules in force in its namespace: its labels and namespace, if a
 * VirtualService asks for them.
 */
export function sourceKeyOf(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): string {
  const asked = memo.get("source-asked", [snapshot.virtualServices], () => {
    const matches = snapshot.virtualServices.flatMap(({ spec }) => [
      ...(spec.http ?? []).flatMap((route) => route.match ?? []),
      ...[...(spec.tcp ?? []), ...(spec.tls ?? [])].flatMap((route) => route.match ?? []),
    ]);
    return {
      labels: matches.some(({ sourceLabels }) => sourceLabels !== undefined),
      namespace: matches.some(({ sourceNamespace }) => sourceNamespace !== undefined),
    };
  });
  const labels = asked.labels ? JSON.stringify(Object.entries(proxy.labels).toSorted()) : "";
  return asked.namespace ? `${proxy.namespace} ${labels}` : labels;
}

/** The virtual host of a service. Clients of all namespaces share it, but for the service's own, which may use its short name. */
function serviceHost(context: OutboundContext, service: Service, port: ServicePort): VirtualHost {
  const { scope, snapshot, proxy, memo, sourceKey } = context;
  const virtualService = scope.meshRoutes.get(service.hostname);
  const rule = scope.destinationRule(service.hostname, service.namespace);
  const key = `${proxy.namespace === service.namespace ? "own" : "other"} ${port.port} ${sourceKey}`;
  const roughly = [port, virtualService, rule, snapshot.services, snapshot.destinationRules, proxy.namespace];
  return memo.of(service, `host? ${key} ${scope.view}`, roughly, () => {
    const deps = virtualService === undefined ? [] : dependenciesOf(snapshot, scope, virtualService);
    return memo.of(service, `host ${key}`, [port, virtualService, rule, ...deps], () =>
      buildServiceHost(context, { service, port, virtualService }),
    );
  });
}

function buildServiceHost(
  context: OutboundContext,
  target: { service: Service; port: ServicePort; virtualService: VirtualService | undefined },
): VirtualHost {
  const { service, port, virtualService } = target;
  const name = `${service.hostname}:${port.port}`;
  const routed = virtualService === undefined ? [] : routesOf(context, virtualService, { name, port: port.port });
  const names = shortNames(service.hostname, context.proxy.namespace, context.snapshot.domain);
  return {
    ...VirtualHost.fromPartial({ name, includeRequestAttemptCount: true }),
    domains: [...new Set([...names, ...service.addresses])],
    routes: virtualService?.spec.http === undefined ? [defaultRoute(context, service, port)] : routed,
  };
}

function routesOf(
  context: OutboundContext,
  virtualService: VirtualService,
  at: { name: string; port: number },
): Route[] {
  const { scope, snapshot, proxy } = context;
  return buildRoutes({
    virtualService,
    client: { namespace: proxy.namespace, labels: proxy.labels, port: at.port, gateways: ["mesh"] },
    destinations: destinationsFor(snapshot, scope, { virtualService, port: at.port }),
    operation: at.name,
  });
}

function defaultRoute({ scope, snapshot }: OutboundContext, service: Service, port: ServicePort): Route {
  const virtualService = { origin: service.origin, spec: {} };
  const resolved = destinationsFor(snapshot, scope, { virtualService, port: port.port });
  const destination = { host: service.hostname, port: { number: port.port } };
  const action = buildRouteAction({
    route: { route: [{ destination }] },
    pathRegex: undefined,
    destinations: { ...resolved, cluster: () => outboundCluster(port.port, "", service.hostname) },
  });
  return {
    ...RouteCodec.fromPartial({ name: "default", decorator: { operation: `${service.hostname}:${port.port}/*` } }),
    match: buildMatch(undefined),
    action: { $case: "route", value: action },
  };
}

/** Hosts of VirtualServices behind which there is no service: routing alone makes them reachable. */
function unknownHosts(context: OutboundContext, port: number): VirtualHost[] {
  const { scope, snapshot, proxy, memo } = context;
  return [...scope.meshRoutes.entries()].flatMap(([host, virtualService]) => {
    if (host === "*" || snapshot.services.has(host) || virtualService.spec.http === undefined) return [];
    if (host.startsWith("*") && scope.services.some((service) => service.hostname.endsWith(host.slice(1)))) return [];
    const name = `${host}:${port}`;
    const deps = dependenciesOf(snapshot, scope, virtualService);
    const key = `host ${scope.view} ${name} ${context.sourceKey}`;
    return [
      memo.get(key, [virtualService, ...deps], () => ({
        ...VirtualHost.fromPartial({ name, includeRequestAttemptCount: true }),
        domains: [...shortNames(host, proxy.namespace, snapshot.domain)],
        routes: routesOf(context, virtualService, { name, port }),
      })),
    ];
  });
}
