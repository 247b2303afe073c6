import { TrafficDirection } from "#gen/xds/envoy/config/core/v3/base.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type {
  FilterChain,
  ListenerFilter,
  ListenerFilterChainMatchPredicate,
} from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { Matcher_OnMatch } from "#gen/xds/xds/type/matcher/v3/matcher.ts";
import { seconds } from "../../model/duration.ts";
import type { Service } from "../../model/snapshot.ts";
import { dependenciesOf } from "../destinations.ts";
import { internalListener } from "../hbone/internal.ts";
import { MAIN_INTERNAL } from "../hbone/names.ts";
import { httpInspector, originalDst } from "../listener-parts.ts";
import { type AddressMatch, byAddress, byFirstBytes, byPort, toChain } from "./chain-matcher.ts";
import { authorizersOf, directChains, httpChain, tcpChain, virtualServiceOf, type WaypointContext } from "./chains.ts";
import { type Members, readingsOf, vipsOf } from "./members.ts";

/** How long to wait for the first bytes where they have to tell the protocol; then they are passed on unread. */
const INSPECTION_SECONDS = 5;

/** Reads what comes out of tunnels: one chain for each port of each service, found by the address that the tunnel is for. */
export function mainInternal(context: WaypointContext, { services, workloads }: Members): Listener {
  const parts = services.map((service) => serviceParts(context, service));
  const direct: AddressMatch[] =
    workloads.length === 0
      ? []
      : [
          {
            addresses: workloads.map(({ address }) => address).toSorted(),
            onMatch: byFirstBytes({ http: "direct-http", tcp: "direct-tcp" }),
          },
        ];
  return {
    ...Listener.fromPartial({
      name: MAIN_INTERNAL,
      trafficDirection: TrafficDirection.INBOUND,
      continueOnListenerFiltersTimeout: true,
    }),
    ...internalListener,
    listenerFilters: [originalDst(), inspector(services, workloads.length > 0)],
    listenerFiltersTimeout: seconds(INSPECTION_SECONDS),
    filterChains: [...parts.flatMap(({ chains }) => chains), ...directChains(context)],
    filterChainMatcher: byAddress([...parts.flatMap(({ match }) => match ?? []), ...direct]),
  };
}

interface ServiceParts {
  readonly chains: readonly FilterChain[];
  readonly match: AddressMatch | undefined;
}

function serviceParts(context: WaypointContext, service: Service): ServiceParts {
  const { snapshot, memo, scope, proxy, members } = context;
  const { authorizationPolicies, requestAuthentications, keySets, mesh } = snapshot;
  const virtualService = virtualServiceOf(context, service);
  const targets = virtualService === undefined ? [] : dependenciesOf(snapshot, scope, virtualService);
  const policies = [authorizationPolicies, requestAuthentications, keySets, mesh];
  const deps = [virtualService, members, proxy.labels, ...targets, ...policies, ...authorizersOf(context, [service])];
  return memo.of(service, `waypoint-parts ${proxy.id}`, deps, () => {
    const chains: FilterChain[] = [];
    const ports = new Map<number, Matcher_OnMatch>();
    for (const port of service.ports) {
      const own = readingsOf(port).map((reading) =>
        (reading === "http" ? httpChain : tcpChain)(context, { service, port }),
      );
      chains.push(...own);
      const [tcp, http] = own;
      if (tcp === undefined) continue;
      ports.set(port.port, http === undefined ? toChain(tcp.name) : byFirstBytes({ tcp: tcp.name, http: http.name }));
    }
    const match = ports.size === 0 ? undefined : { addresses: vipsOf(service), onMatch: byPort(ports) };
    return { chains, match };
  });
}

/** Waits for first bytes only where they decide: where a server speaks first they would be long in coming. */
function inspector(services: readonly Service[], anyPort: boolean): ListenerFilter {
  const ports = services.flatMap((service) => service.ports);
  const read = new Set(ports.filter(({ protocol }) => protocol === "auto").map(({ port }) => port));
  const unread = [...new Set(ports.map(({ port }) => port))]
    .filter((port) => !read.has(port))
    .toSorted((a, b) => a - b);
  if (anyPort || unread.length === 0) return httpInspector();
  const rules = unread.map(
    (port): ListenerFilterChainMatchPredicate => ({
      rule: { $case: "destinationPortRange", value: { start: port, end: port + 1 } },
    }),
  );
  const [only] = rules;
  const any: ListenerFilterChainMatchPredicate = { rule: { $case: "orMatch", value: { rules } } };
  return { ...httpInspector(), filterDisabled: rules.length === 1 ? only : any };
}
