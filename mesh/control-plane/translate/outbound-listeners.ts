import { ports } from "#api/names.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { isHttp } from "../model/protocol.ts";
import type { Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { dependenciesOf, destinationsFor } from "./destinations.ts";
import { httpConnection, type TcpTarget, tcpProxy } from "./http-connection.ts";
import { buildChain, buildListener, httpInspector, plainHttp, tlsInspector } from "./listener-parts.ts";
import { BLACK_HOLE, outboundCluster, PASSTHROUGH } from "./names.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { VirtualService } from "./scope.ts";

/** Where everything goes that leads to no known service. */
export const fallbackCluster = (snapshot: Snapshot): string =>
  snapshot.mesh.outboundTrafficPolicy.mode === "REGISTRY_ONLY" ? BLACK_HOLE : PASSTHROUGH;

/** The listener that captured connections arrive at; it hands them on to the listener of their destination. */
export function virtualOutbound(snapshot: Snapshot): Listener {
  const { mesh } = snapshot;
  return buildListener({
    name: "virtualOutbound",
    address: "0.0.0.0",
    port: ports.outbound,
    direction: "outbound",
    bind: true,
    useOriginalDst: true,
    filterChains: [
      buildChain({
        name: "virtualOutbound-trafficloop",
        match: { destinationPort: ports.outbound },
        filters: [tcpProxy(BLACK_HOLE, mesh)],
      }),
      buildChain({
        name: "virtualOutbound-catchall-tcp",
        filters: [tcpProxy(fallbackCluster(snapshot), mesh)],
      }),
    ],
  });
}

/** For all HTTP services on one port; what turns out not to be HTTP is passed on to where it wanted to go. */
export function httpPortListener(context: OutboundContext, port: number): Listener {
  const { snapshot, memo } = context;
  const name = `0.0.0.0_${port}`;
  return memo.get(`listener ${name}`, [snapshot.mesh], () =>
    buildListener({
      name,
      address: "0.0.0.0",
      port,
      direction: "outbound",
      bind: false,
      listenerFilters: [tlsInspector(), httpInspector()],
      filterChains: [
        buildChain({
          name,
          match: plainHttp,
          filters: [
            httpConnection({
              statPrefix: `outbound_${name};`,
              direction: "outbound",
              mesh: snapshot.mesh,
              routes: String(port),
            }),
          ],
        }),
      ],
      defaultFilterChain: buildChain({
        name: "PassthroughFilterChain",
        filters: [tcpProxy(fallbackCluster(snapshot), snapshot.mesh)],
      }),
    }),
  );
}

/** For one address and port of a service that speaks TCP, TLS, or something that its port does not say. */
export function serviceListener(
  context: OutboundContext,
  target: { service: Service; port: ServicePort; address: string },
): Listener {
  const { snapshot, memo, scope, proxy, sourceKey } = context;
  const { service, port, address } = target;
  const name = `${address}_${port.port}`;
  const virtualService = scope.meshRoutes.get(service.hostname);
  const targets = virtualService === undefined ? [] : dependenciesOf(snapshot, scope, virtualService);
  const deps = [port, virtualService, snapshot.mesh, ...targets];
  return memo.of(service, `listener ${proxy.namespace} ${name} ${sourceKey}`, deps, () => {
    const sniffs = port.protocol === "auto";
    const split = virtualService !== undefined && (virtualService.spec.tls ?? []).length > 0;
    return buildListener({
      name,
      address,
      port: port.port,
      direction: "outbound",
      bind: false,
      ...(sniffs
        ? { listenerFilters: [tlsInspector(), httpInspector()] }
        : split
          ? { listenerFilters: [tlsInspector()] }
          : {}),
      ...chainsOf(context, target, virtualService),
    });
  });
}

interface Chains {
  readonly filterChains: FilterChain[];
  readonly defaultFilterChain?: FilterChain;
}

function chainsOf(
  context: OutboundContext,
  target: { service: Service; port: ServicePort; address: string },
  virtualService: VirtualService | undefined,
): Chains {
  const { snapshot } = context;
  const { service, port, address } = target;
  const name = `${address}_${port.port}`;
  const own = outboundCluster(port.port, "", service.hostname);
  const tcp = buildChain({
    name,
    filters: [tcpProxy(tcpTarget(context, virtualService, port.port) ?? own, snapshot.mesh, own)],
  });
  if (port.protocol === "auto") {
    const routes = `${service.hostname}:${port.port}`;
    const http = httpConnection({
      statPrefix: `outbound_${name};`,
      direction: "outbound",
      mesh: snapshot.mesh,
      routes,
    });
    return {
      filterChains: [buildChain({ name: `${name}-http`, match: plainHttp, filters: [http] })],
      defaultFilterChain: tcp,
    };
  }
  const byName = isHttp(port.protocol) ? [] : tlsChains(context, virtualService, port.port);
  return byName.length === 0 ? { filterChains: [tcp] } : { filterChains: byName, defaultFilterChain: tcp };
}

/** Where the first TCP route that fits sends a connection. */
function tcpTarget(
  context: OutboundContext,
  virtualService: VirtualService | undefined,
  port: number,
): TcpTarget | undefined {
  const { snapshot, scope, proxy } = context;
  if (virtualService === undefined) return undefined;
  const route = (virtualService.spec.tcp ?? []).find(
    ({ match }) =>
      match === undefined ||
      match.length === 0 ||
      match.some(
        (one) =>
          (one.port ?? port) === port &&
          hasLabels(proxy.labels, one.sourceLabels ?? {}) &&
          one.destinationSubnets === undefined,
      ),
  );
  if (route?.route === undefined) return undefined;
  return weighted(route.route, destinationsFor(snapshot, scope, { virtualService, port }));
}

/** The clusters of weighted layer 4 destinations; a single one needs no weight. */
export function weighted(
  targets: NonNullable<NonNullable<VirtualService["spec"]["tcp"]>[number]["route"]>,
  destinations: ReturnType<typeof destinationsFor>,
): TcpTarget {
  const clusters = targets.map(({ destination, weight }) => ({
    cluster: destinations.cluster(destination),
    weight: weight ?? 0,
  }));
  return clusters.length === 1 ? (clusters[0]?.cluster ?? BLACK_HOLE) : clusters.filter(({ weight }) => weight > 0);
}

/** One chain for each TLS route: the server name of the client's hello decides. */
function tlsChains(context: OutboundContext, virtualService: VirtualService | undefined, port: number): FilterChain[] {
  const { snapshot, scope } = context;
  if (virtualService === undefined) return [];
  const destinations = destinationsFor(snapshot, scope, { virtualService, port });
  return (virtualService.spec.tls ?? []).flatMap(({ match, route }) => {
    const serverNames = match.filter((one) => (one.port ?? port) === port).flatMap((one) => one.sniHosts);
    if (serverNames.length === 0 || route === undefined) return [];
    const filters = [tcpProxy(weighted(route, destinations), snapshot.mesh)];
    return [buildChain({ name: serverNames.join(","), match: { transportProtocol: "tls", serverNames }, filters })];
  });
}
