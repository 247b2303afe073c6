import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import {
  type Route,
  VirtualHost,
  VirtualHost_TlsRequirementType,
} from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { compareSpecificity } from "../model/host.ts";
import { type BoundServer, boundTo, nameOf, servedHosts } from "./bound-server.ts";
import { dependenciesOf, destinationsFor } from "./destinations.ts";
import { type OutboundContext, uniqueDomains } from "./outbound-routes.ts";
import { buildRoutes } from "./route.ts";
import type { VirtualService } from "./scope.ts";

/** The route configuration of servers that share a port: a virtual host for each host that they and VirtualServices agree on. */
export function buildGatewayRoutes(
  context: OutboundContext,
  name: string,
  servers: readonly BoundServer[],
): RouteConfiguration {
  const { snapshot, memo, proxy, scope } = context;
  const bound = servers.flatMap((server) =>
    boundTo(snapshot, server.gateway).map((virtualService) => ({ server, virtualService })),
  );
  const deps = [
    ...bound.flatMap(({ server, virtualService }) => [server.gateway, server.port, virtualService]),
    ...bound.flatMap(({ virtualService }) => dependenciesOf(snapshot, scope, virtualService)),
    ...servers.map(({ gateway }) => gateway),
  ];
  return memo.get(
    `gateway-routes ${proxy.namespace} ${name} ${servers.map(({ gateway }) => nameOf(gateway)).join()}`,
    deps,
    () => ({
      ...RouteConfiguration.fromPartial({ name, maxDirectResponseBodySizeBytes: 1_048_576, validateClusters: false }),
      virtualHosts: virtualHosts(context, servers, bound),
      ignorePortInHostMatching: true,
    }),
  );
}

interface Binding {
  readonly server: BoundServer;
  readonly virtualService: VirtualService;
}

function virtualHosts(
  context: OutboundContext,
  servers: readonly BoundServer[],
  bound: readonly Binding[],
): VirtualHost[] {
  const { domain } = context.snapshot;
  const port = servers[0]?.port ?? 0;
  const byHost = new Map<string, Binding[]>();
  for (const binding of bound) {
    for (const host of servedHosts(binding.server, binding.virtualService, domain)) {
      byHost.set(host, [...(byHost.get(host) ?? []), binding]);
    }
  }
  for (const { server } of servers.filter((one) => one.server.tls?.httpsRedirect === true)) {
    for (const host of server.hosts) {
      const name = host.slice(host.indexOf("/") + 1);
      if (!byHost.has(name)) byHost.set(name, []);
    }
  }
  if (byHost.size === 0) return [{ ...VirtualHost.fromPartial({ name: `blackhole:${port}`, domains: ["*"] }) }];
  const hosts = [...byHost]
    .toSorted(([a], [b]) => compareSpecificity(a, b))
    .map(
      ([host, bindings]): VirtualHost => ({
        ...VirtualHost.fromPartial({ name: `${host}:${port}`, domains: [host], includeRequestAttemptCount: true }),
        routes: mergeRoutes(bindings.map((binding) => routesOf(context, binding, host))),
        requireTls: redirects(servers, host) ? VirtualHost_TlsRequirementType.ALL : VirtualHost_TlsRequirementType.NONE,
      }),
    );
  return uniqueDomains(hosts);
}

const redirects = (servers: readonly BoundServer[], host: string): boolean =>
  servers.some(
    ({ server }) =>
      server.tls?.httpsRedirect === true &&
      server.hosts.some((offered) => offered.slice(offered.indexOf("/") + 1) === host),
  );

function routesOf(context: OutboundContext, { server, virtualService }: Binding, host: string): readonly Route[] {
  const { snapshot, scope, proxy } = context;
  const port = server.server.port.number;
  return buildRoutes({
    virtualService,
    client: { namespace: proxy.namespace, labels: proxy.labels, port, gateways: [nameOf(server.gateway)] },
    destinations: destinationsFor(snapshot, scope, { virtualService, port }),
    operation: `${host}:${port}`,
  });
}

const matchesAll = ({ match }: Route): boolean =>
  match?.pathSpecifier?.$case === "prefix" &&
  match.pathSpecifier.value === "/" &&
  match.headers.length === 0 &&
  match.queryParameters.length === 0;

/** Several VirtualServices for one host: their routes one after the other, those that match everything last. */
function mergeRoutes(lists: readonly (readonly Route[])[]): Route[] {
  const all = lists.flat();
  return lists.length < 2 ? all : [...all.filter((route) => !matchesAll(route)), ...all.filter(matchesAll)];
}
