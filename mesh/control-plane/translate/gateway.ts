import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { Filter, FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { hostCovers } from "../model/host.ts";
import type { GatewayServer } from "../model/other-kinds.ts";
import { gatewayProtocol, isHttp } from "../model/protocol.ts";
import { jwtAuthentication } from "./authentication/jwt.ts";
import { httpAuthorization, networkAuthorization } from "./authorization/filters.ts";
import { policiesOf } from "./authorization/policies.ts";
import { type BoundServer, boundServers, boundTo, nameOf, servedHosts } from "./bound-server.ts";
import { buildGatewayRoutes } from "./gateway-routes.ts";
import { gatewaySocket } from "./gateway-tls.ts";
import { topologyOf } from "./gateway-topology.ts";
import { httpConnection, type TcpTarget, tcpProxy } from "./http-connection.ts";
import { type L4Client, tcpTarget, tlsTargets } from "./l4-routes.ts";
import { buildChain, buildListener, tlsInspector } from "./listener-parts.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import { isTls, ServerNames, terminates } from "./server-names.ts";

export interface GatewayResources {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
}

/** Listeners and routes of a gateway proxy: all Gateways that select it, merged port by port. */
export function buildGateway(context: OutboundContext): GatewayResources {
  const { snapshot, proxy } = context;
  const byPort = new Map<number, BoundServer[]>();
  for (const bound of boundServers(snapshot, proxy)) byPort.set(bound.port, [...(byPort.get(bound.port) ?? []), bound]);
  const parts = [...byPort].toSorted(([a], [b]) => a - b).map(([port, servers]) => buildPort(context, port, servers));
  return {
    listeners: parts.flatMap(({ listener }) => (listener === undefined ? [] : [listener])),
    routes: parts.flatMap(({ routes }) => routes),
  };
}

interface PortParts {
  readonly listener: Listener | undefined;
  readonly routes: readonly RouteConfiguration[];
}

function buildPort(context: OutboundContext, port: number, servers: readonly BoundServer[]): PortParts {
  const { snapshot, proxy } = context;
  const plain = servers.filter(({ server }) => isHttp(gatewayProtocol(server.port.protocol)));
  const names = new ServerNames(servers);
  const secure = servers.filter(({ server }) => terminates(server) && isHttps(server));
  const opaque = servers.filter((bound) => !plain.includes(bound) && !secure.includes(bound));
  const policies = policiesOf(snapshot, proxy);
  const authorization = httpAuthorization(snapshot, policies, jwtAuthentication(snapshot, proxy));
  const name = `0.0.0.0_${port}`;
  const http = (routes: string) => [
    httpConnection({
      statPrefix: `outbound_${name};`,
      direction: "gateway",
      mesh: snapshot.mesh,
      authorization,
      routes,
      topology: topologyOf(snapshot.mesh, proxy),
    }),
  ];
  const secured = secure.flatMap((bound) => {
    const chain = securedChain(context, { bound, names, filters: http(secureRouteName(bound)) });
    return chain === undefined ? [] : [{ bound, chain }];
  });
  const tlsChains = [
    ...secured.map(({ chain }) => chain),
    ...opaque.flatMap((bound) => opaqueChains(context, bound, names)),
  ];
  const match = tlsChains.length === 0 ? {} : { match: { transportProtocol: "raw_buffer" as const } };
  const plainChain = plain.length === 0 ? [] : [buildChain({ name, ...match, filters: http(`http.${port}`) })];
  const filterChains = withoutDoubles([...tlsChains, ...plainChain]);
  const routes = [
    ...(plain.length === 0 ? [] : [buildGatewayRoutes(context, { name: `http.${port}`, servers: plain })]),
    ...secured.map(({ bound }) =>
      buildGatewayRoutes(context, { name: secureRouteName(bound), servers: [bound], names }),
    ),
  ];
  if (filterChains.length === 0) return { listener: undefined, routes };
  const inspects = servers.some(({ server }) => isTls(server));
  const listener = buildListener({
    name,
    address: "0.0.0.0",
    port,
    direction: "outbound",
    bind: true,
    filterChains,
    ...(inspects ? { listenerFilters: [tlsInspector()] } : {}),
  });
  return { listener, routes };
}

const isHttps = ({ port }: GatewayServer): boolean => port.protocol.toUpperCase() === "HTTPS";

const secureRouteName = ({ gateway, server }: BoundServer): string =>
  `https.${server.port.number}.${server.port.name ?? ""}.${gateway.origin.name}.${gateway.origin.namespace}`;

interface Secured {
  readonly bound: BoundServer;
  readonly names: ServerNames;
  readonly filters: Filter[];
}

/** The chain of a server whose TLS ends here; undefined when all of its names are other servers' already. */
function securedChain({ snapshot }: OutboundContext, { bound, names, filters }: Secured): FilterChain | undefined {
  const { gateway, server, port } = bound;
  const own = names.of(bound);
  if (own.length === 0) return undefined;
  return buildChain({
    name: `0.0.0.0_${port}-${gateway.origin.namespace}-${gateway.origin.name}-${server.port.name ?? "https"}`,
    match: { transportProtocol: "tls", ...(own.includes("*") ? {} : { serverNames: own }) },
    filters,
    transportSocket: gatewaySocket(server.tls ?? {}, snapshot.mesh, isHttps(server)),
  });
}

/** Chains whose names others have already would make a proxy refuse the listener: the first has them. */
function withoutDoubles(chains: readonly FilterChain[]): FilterChain[] {
  const taken = new Set<string>();
  return chains.flatMap((chain) => {
    const { filterChainMatch: match } = chain;
    const wanted = match === undefined || match.serverNames.length === 0 ? [""] : match.serverNames;
    const left = wanted.filter((name) => !taken.has(`${match?.transportProtocol} ${name}`));
    for (const name of left) taken.add(`${match?.transportProtocol} ${name}`);
    if (left.length === 0) return [];
    if (match === undefined || left.length === wanted.length) return [chain];
    return [{ ...chain, filterChainMatch: { ...match, serverNames: left } }];
  });
}

/** Chains that pass bytes on: by server name for TLS that goes through untouched, all of it for TCP and for TLS that ends here. */
function opaqueChains(context: OutboundContext, bound: BoundServer, names: ServerNames): readonly FilterChain[] {
  const { snapshot, scope, proxy } = context;
  const client: L4Client = {
    snapshot,
    scope,
    port: bound.server.port.number,
    gateway: nameOf(bound.gateway),
    namespace: proxy.namespace,
    labels: proxy.labels,
  };
  const filters = (target: TcpTarget) => [
    ...networkAuthorization(snapshot, policiesOf(snapshot, proxy)),
    tcpProxy(target, snapshot.mesh),
  ];
  const chains = boundTo(snapshot, bound.gateway).flatMap((virtualService) => {
    const name = `${virtualService.origin.namespace}/${virtualService.origin.name}.${bound.gateway.origin.name}`;
    if (!isTls(bound.server) || terminates(bound.server)) {
      const target = tcpTarget(client, virtualService);
      if (target === undefined) return [];
      if (!isTls(bound.server)) return [buildChain({ name, filters: filters(target) })];
      return securedChain(context, { bound, names, filters: filters(target) }) ?? [];
    }
    const served = servedHosts(bound, virtualService, snapshot.domain);
    return tlsTargets(client, virtualService).flatMap(({ names, target }) => {
      const serverNames = names.filter((sni) => served.some((host) => hostCovers(host, sni)));
      if (serverNames.length === 0) return [];
      return [
        buildChain({
          name,
          match: { transportProtocol: "tls", serverNames },
          filters: filters(target),
        }),
      ];
    });
  });
  return isTls(bound.server) && !terminates(bound.server) ? chains : chains.slice(0, 1);
}
