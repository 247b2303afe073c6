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
import { hostsOf, type ServerNames } from "./server-names.ts";

export interface GatewayRoutesOptions {
  readonly name: string;
  /** Several share a port without TLS. */
  readonly servers: readonly BoundServer[];
  /** Names of the port's servers where TLS decides which of them it is. */
  readonly names?: ServerNames;
}

/**
 * The route configuration of servers that share a port: a virtual host for each host that they and VirtualServices agree on. With
 * TLS, hosts that another server of the port is there for are misdirected (RFC 9110 15.5.20): what that one asks of clients, such as
 * a certificate, was not asked on this connection.
 */
export function buildGatewayRoutes(
  context: OutboundContext,
  { name, servers, names }: GatewayRoutesOptions,
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
  const [server] = servers;
  const foreign = server === undefined ? [] : (names?.ofOthers(server) ?? []);
  const belongs = (host: string): boolean =>
    server === undefined || names === undefined || names.belongs(host.toLowerCase(), server);
  return memo.get(
    `gateway-routes ${proxy.namespace} ${name} ${servers.map(({ gateway }) => nameOf(gateway)).join()} ${foreign.join()}`,
    deps,
    () => ({
      ...RouteConfiguration.fromPartial({ name, maxDirectResponseBodySizeBytes: 1_048_576, validateClusters: false }),
      virtualHosts: [
        ...virtualHosts(context, servers, bound).filter(({ domains: [host = ""] }) => belongs(host)),
        ...(foreign.length === 0 ? [] : [misdirected(foreign)]),
      ],
      ignorePortInHostMatching: true,
    }),
  );
}

const misdirected = (domains: readonly string[]): VirtualHost => ({
  ...VirtualHost.fromPartial({
    name: "misdirected",
    routes: [
      {
        match: { pathSpecifier: { $case: "prefix", value: "/" } },
        action: {
          $case: "directResponse",
          value: {
            status: 421,
            body: { specifier: { $case: "inlineString", value: "this connection was opened for another host\n" } },
          },
        },
      },
    ],
  }),
  domains: [...domains],
});

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
    for (const host of hostsOf(server)) if (!byHost.has(host)) byHost.set(host, []);
  }
  if (byHost.size === 0) return [{ ...VirtualHost.fromPartial({ name: `blackhole:${port}`, domains: ["*"] }) }];
  const hosts = [...byHost]
    .toSorted(([a], [b]) => compareSpecificity(a, b))
    .map(
      ([host, bindings]): VirtualHost => ({
        ...VirtualHost.fromPartial({ name: `${host}:${port}`, domains: [host], includeRequestAttemptCount: true }),
        routes: mergeRoutes(bindings.map((binding) => routesOf(context, binding, host))),
        requireTls: redirects(servers, bindings, host)
          ? VirtualHost_TlsRequirementType.ALL
          : VirtualHost_TlsRequirementType.NONE,
      }),
    );
  return uniqueDomains(hosts);
}

/** Whether one of the servers through which the host is reached wants TLS. */
const redirects = (servers: readonly BoundServer[], bindings: readonly Binding[], host: string): boolean =>
  [...bindings.map(({ server }) => server), ...servers.filter(({ server }) => hostsOf(server).includes(host))].some(
    ({ server }) => server.tls?.httpsRedirect === true,
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
