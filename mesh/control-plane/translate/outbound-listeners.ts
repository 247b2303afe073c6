import { ports } from "#api/names.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { Service, ServicePort } from "../model/snapshot.ts";
import { dependenciesOf } from "./destinations.ts";
import { httpConnection, tcpProxy } from "./http-connection.ts";
import { type L4Client, tcpTarget, tlsTargets } from "./l4-routes.ts";
import { buildChain, buildListener, httpInspector, plainHttp, tlsInspector } from "./listener-parts.ts";
import { BLACK_HOLE, outboundCluster, PASSTHROUGH } from "./names.ts";
import type { OutboundContext } from "./outbound-routes.ts";
import type { Scope, VirtualService } from "./scope.ts";

/** Where everything goes that leads to no known service. */
export const fallbackCluster = ({ outboundMode }: Scope): string =>
  outboundMode === "REGISTRY_ONLY" ? BLACK_HOLE : PASSTHROUGH;

/** The listener that captured connections arrive at; it hands them on to the listener of their destination. */
export function virtualOutbound({ snapshot, scope }: OutboundContext): Listener {
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
        filters: [tcpProxy(fallbackCluster(scope), mesh)],
      }),
    ],
  });
}

/** For one address and port of a service that speaks TCP, TLS, or something that its port does not say. */
export function serviceListener(
  context: OutboundContext,
  target: { service: Service; port: ServicePort; address: string },
): Listener {
  const { snapshot, memo, scope, sourceKey } = context;
  const { service, port, address } = target;
  const name = `${address}_${port.port}`;
  const virtualService = scope.meshRoutes.get(service.hostname);
  const targets = virtualService === undefined ? [] : dependenciesOf(snapshot, scope, virtualService);
  const deps = [port, virtualService, snapshot.mesh, ...targets];
  return memo.of(service, `listener ${scope.view} ${name} ${sourceKey}`, deps, () => {
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

/** A sidecar, as L4 routes see it. */
export const meshClient = ({ snapshot, scope, proxy }: OutboundContext, port: number): L4Client => ({
  snapshot,
  scope,
  port,
  gateway: "mesh",
  namespace: proxy.namespace,
  labels: proxy.labels,
});

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
    filters: [tcpProxy(tcpTarget(meshClient(context, port.port), virtualService) ?? own, snapshot.mesh, own)],
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
  const byName = tlsTargets(meshClient(context, port.port), virtualService).map(({ names, ranges, target }) =>
    buildChain({
      name: names.join(","),
      match: { transportProtocol: "tls", serverNames: names, ranges },
      filters: [tcpProxy(target, snapshot.mesh)],
    }),
  );
  return byName.length === 0 ? { filterChains: [tcp] } : { filterChains: byName, defaultFilterChain: tcp };
}
