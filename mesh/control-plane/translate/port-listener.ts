import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { Service, ServicePort } from "../model/snapshot.ts";
import { dependenciesOf } from "./destinations.ts";
import { httpConnection, tcpProxy } from "./http-connection.ts";
import { tcpTarget, tlsTargets } from "./l4-routes.ts";
import { buildChain, buildListener, httpInspector, plainHttp, tlsInspector } from "./listener-parts.ts";
import { outboundCluster } from "./names.ts";
import { fallbackCluster, meshClient } from "./outbound-listeners.ts";
import type { OutboundContext } from "./outbound-routes.ts";

/** A port of a service that has no address by which connections to it could be told from others. */
export interface NamelessPort {
  readonly service: Service;
  readonly port: ServicePort;
}

export interface PortContents {
  /** HTTP services tell themselves apart by the request's host. */
  readonly http: boolean;
  /** TLS services by the name that the client asks for, TCP services by ranges of addresses, if at all. */
  readonly others: readonly NamelessPort[];
}

/** For all services that share one port of any address; what fits none of them goes where unknown traffic goes. */
export function portListener(context: OutboundContext, port: number, contents: PortContents): Listener {
  const { snapshot, memo, scope, sourceKey } = context;
  const name = `0.0.0.0_${port}`;
  const { http, others } = contents;
  const deps = others.flatMap(({ service, port: one }) => {
    const virtualService = scope.meshRoutes.get(service.hostname);
    const targets = virtualService === undefined ? [] : dependenciesOf(snapshot, scope, virtualService);
    return [service, one, virtualService, ...targets];
  });
  const key = `listener ${others.length === 0 ? scope.outboundMode : `${scope.view} ${sourceKey}`} ${http} ${name}`;
  return memo.get(key, [snapshot.mesh, scope.outboundMode, ...deps], () => {
    const { chains, rest } = opaqueChains(context, others);
    const fallback = buildChain({
      name: "PassthroughFilterChain",
      filters: [tcpProxy(fallbackCluster(scope), snapshot.mesh)],
    });
    return buildListener({
      name,
      address: "0.0.0.0",
      port,
      direction: "outbound",
      bind: false,
      listenerFilters: [...(http || needsName(others) ? [tlsInspector()] : []), ...(http ? [httpInspector()] : [])],
      filterChains: [...(http ? [httpChain(context, name, port)] : []), ...chains],
      defaultFilterChain: rest ?? fallback,
    });
  });
}

const isTls = ({ port }: NamelessPort): boolean => port.protocol === "tls" || port.protocol === "https";
const needsName = (others: readonly NamelessPort[]): boolean => others.some(isTls);

const httpChain = ({ snapshot }: OutboundContext, name: string, port: number): FilterChain =>
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
  });

/** Of two that would match the same, the first keeps it: a listener with both would be refused. */
function opaqueChains(
  context: OutboundContext,
  others: readonly NamelessPort[],
): { chains: readonly FilterChain[]; rest: FilterChain | undefined } {
  const { snapshot, scope } = context;
  const chains = new Map<string, FilterChain>();
  let rest: FilterChain | undefined;
  const add = (names: readonly string[], ranges: readonly string[], chain: FilterChain): void => {
    const key = `${[...names].toSorted().join()} ${[...ranges].toSorted().join()}`;
    if (!chains.has(key)) chains.set(key, chain);
  };
  for (const other of others) {
    const { service, port } = other;
    const virtualService = scope.meshRoutes.get(service.hostname);
    const client = meshClient(context, port.port);
    const own = outboundCluster(port.port, "", service.hostname);
    const filters = [tcpProxy(tcpTarget(client, virtualService) ?? own, snapshot.mesh, own)];
    const { ranges } = service;
    if (isTls(other)) {
      for (const { names, ranges: subnets, target } of tlsTargets(client, virtualService)) {
        const match = { transportProtocol: "tls" as const, serverNames: names, ranges: subnets };
        add(names, subnets, buildChain({ name: names.join(), match, filters: [tcpProxy(target, snapshot.mesh)] }));
      }
      const names = [service.hostname];
      const match = { transportProtocol: "tls" as const, serverNames: names, ranges };
      add(names, ranges, buildChain({ name: service.hostname, match, filters }));
    } else if (ranges.length > 0) add([], ranges, buildChain({ name: service.hostname, match: { ranges }, filters }));
    else rest ??= buildChain({ name: service.hostname, filters });
  }
  return { chains: [...chains.values()], rest };
}
