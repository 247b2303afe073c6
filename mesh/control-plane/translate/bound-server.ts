import { intersectHosts, resolveHost } from "../model/host.ts";
import type { GatewayServer, GatewaySpec } from "../model/other-kinds.ts";
import type { Config, ProxyNode, Service, Snapshot } from "../model/snapshot.ts";
import { hasLabels } from "./peer-authentication.ts";
import type { VirtualService } from "./scope.ts";

/** A server of a Gateway on the port of the pod where it is served. */
export interface BoundServer {
  readonly gateway: Config<GatewaySpec>;
  readonly server: GatewayServer;
  /** Port that the proxy listens on: the target port of the gateway's Service. */
  readonly port: number;
}

/** The servers of all Gateways that select this proxy. */
export function boundServers(snapshot: Snapshot, proxy: ProxyNode): readonly BoundServer[] {
  const own = [...snapshot.services.values()].filter(
    (service) =>
      service.namespace === proxy.namespace &&
      service.selector !== undefined &&
      hasLabels(proxy.labels, service.selector),
  );
  return snapshot.gateways
    .filter(({ spec }) => hasLabels(proxy.labels, spec.selector ?? {}))
    .flatMap((gateway) =>
      (gateway.spec.servers ?? []).map((server) => ({
        gateway,
        server,
        port: targetPort(own, server.port.number, proxy),
      })),
    );
}

function targetPort(services: readonly Service[], port: number, proxy: ProxyNode): number {
  const found = services.flatMap((service) => service.ports).find((candidate) => candidate.port === port);
  if (found === undefined) return port;
  return typeof found.targetPort === "number" ? found.targetPort : (proxy.ports[found.targetPort] ?? port);
}

export const nameOf = (gateway: Config<GatewaySpec>): string => `${gateway.origin.namespace}/${gateway.origin.name}`;

/** VirtualServices bound to a gateway, oldest first. */
export function boundTo(snapshot: Snapshot, gateway: Config<GatewaySpec>): readonly VirtualService[] {
  return snapshot.virtualServices.filter(({ origin, spec }) =>
    (spec.gateways ?? []).some(
      (name) => (name.includes("/") ? name : `${origin.namespace}/${name}`) === nameOf(gateway),
    ),
  );
}

/** The hosts of a VirtualService that a server serves; `ns/host` in the server lets in VirtualServices of that namespace only. */
export function servedHosts(bound: BoundServer, virtualService: VirtualService, domain: string): readonly string[] {
  const { origin, spec } = virtualService;
  const offered = bound.server.hosts.flatMap((host) => {
    const slash = host.indexOf("/");
    if (slash < 0) return [host];
    const namespace = host.slice(0, slash) === "." ? bound.gateway.origin.namespace : host.slice(0, slash);
    return namespace === "*" || namespace === origin.namespace ? [host.slice(slash + 1)] : [];
  });
  const wanted = (spec.hosts ?? []).map((host) => resolveHost(host, origin.namespace, domain));
  const common = wanted.flatMap((host) => offered.map((offer) => intersectHosts(offer, host)));
  return [...new Set(common.filter((host) => host !== undefined))];
}
