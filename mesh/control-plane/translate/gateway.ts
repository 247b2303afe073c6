import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { hostCovers } from "../model/host.ts";
import type { GatewayServer } from "../model/other-kinds.ts";
import { gatewayProtocol, isHttp } from "../model/protocol.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { jwtAuthentication } from "./authentication/jwt.ts";
import { httpAuthorization, networkAuthorization } from "./authorization/filters.ts";
import { policiesOf } from "./authorization/policies.ts";
import { type BoundServer, boundServers, boundTo, nameOf, servedHosts } from "./bound-server.ts";
import { buildGatewayRoutes } from "./gateway-routes.ts";
import { httpConnection, type TcpTarget, tcpProxy } from "./http-connection.ts";
import { type L4Client, tcpTarget, tlsTargets } from "./l4-routes.ts";
import { buildChain, buildListener, tlsInspector } from "./listener-parts.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import { gatewaySocket, meshServerSocket } from "./tls.ts";

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
  const plain = servers.filter(({ server }) => isHttp(gatewayProtocol(server.port.protocol)));
  const secure = servers.filter(({ server }) => terminates(server));
  const opaque = servers.filter((bound) => !plain.includes(bound) && !secure.includes(bound));
  const { mesh } = context.snapshot;
  const { snapshot, proxy } = context;
  const policies = policiesOf(snapshot, proxy);
  const authorization = [...jwtAuthentication(snapshot, proxy), ...httpAuthorization(policies)];
  const name = `0.0.0.0_${port}`;
  const http = (routes: string) =>
    httpConnection({ statPrefix: `outbound_${name};`, direction: "gateway", mesh, authorization, routes });
  const plainChain = plain.length === 0 ? [] : [buildChain({ name, filters: [http(`http.${port}`)] })];
  const secureChains = secure.map((bound) =>
    buildChain({
      name: `${name}-${bound.gateway.origin.namespace}-${bound.gateway.origin.name}-${bound.server.port.name ?? "https"}`,
      match: { transportProtocol: "tls", ...serverNames(bound) },
      filters: [http(secureRouteName(bound))],
      transportSocket: serverSocket(context.snapshot, bound.server),
    }),
  );
  const filterChains = [...secureChains, ...opaque.flatMap((bound) => opaqueChains(context, bound)), ...plainChain];
  const routes = [
    ...(plain.length === 0 ? [] : [buildGatewayRoutes(context, `http.${port}`, plain)]),
    ...secure.map((bound) => buildGatewayRoutes(context, secureRouteName(bound), [bound])),
  ];
  if (filterChains.length === 0) return { listener: undefined, routes };
  const inspects = secureChains.length > 0 || opaque.some(({ server }) => isTls(server));
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

const isTls = (server: GatewayServer): boolean => ["https", "tls"].includes(server.port.protocol.toLowerCase());

/** TLS ends here and HTTP comes out. */
const terminates = (server: GatewayServer): boolean =>
  server.port.protocol.toUpperCase() === "HTTPS" &&
  !["PASSTHROUGH", "AUTO_PASSTHROUGH", undefined].includes(server.tls?.mode);

const secureRouteName = ({ gateway, server }: BoundServer): string =>
  `https.${server.port.number}.${server.port.name ?? ""}.${gateway.origin.name}.${gateway.origin.namespace}`;

function serverNames({ server }: BoundServer): { serverNames?: readonly string[] } {
  const names = server.hosts.map((host) => host.slice(host.indexOf("/") + 1));
  return names.includes("*") ? {} : { serverNames: names };
}

function serverSocket(snapshot: Snapshot, server: GatewayServer): FilterChain["transportSocket"] {
  const { mode, credentialName } = server.tls ?? {};
  if (mode === "ISTIO_MUTUAL") return meshServerSocket({ trustDomain: snapshot.mesh.trustDomain, http: true });
  return gatewaySocket({ credentialName: credentialName ?? "", mutual: mode === "MUTUAL" });
}

/** Chains that pass bytes on: by server name for TLS that goes through untouched, all of it for TCP. */
function opaqueChains(context: OutboundContext, bound: BoundServer): readonly FilterChain[] {
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
    ...networkAuthorization(policiesOf(snapshot, proxy)),
    tcpProxy(target, snapshot.mesh),
  ];
  const chains = boundTo(snapshot, bound.gateway).flatMap((virtualService) => {
    const name = `${virtualService.origin.namespace}/${virtualService.origin.name}.${bound.gateway.origin.name}`;
    if (!isTls(bound.server)) {
      const target = tcpTarget(client, virtualService);
      return target === undefined ? [] : [buildChain({ name, filters: filters(target) })];
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
  return isTls(bound.server) ? chains : chains.slice(0, 1);
}
