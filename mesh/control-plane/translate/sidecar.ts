import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import type { ProxyNode, Service, ServicePort, Snapshot } from "../model/snapshot.ts";
import { jwtAuthentication } from "./authentication/jwt.ts";
import { authorizerServices } from "./authorization/custom.ts";
import { policiesOf } from "./authorization/policies.ts";
import { byName, collectUpstreams } from "./collect.ts";
import { blackHole, inboundApplication, inboundPassthrough, passthrough } from "./fixed-clusters.ts";
import { tunnelEdges } from "./hbone/edges.ts";
import { type InboundPort, tunnelledInbound, virtualInbound } from "./inbound-listener.ts";
import type { Memo } from "./memo.ts";
import { serviceListener, virtualOutbound } from "./outbound-listeners.ts";
import {
  buildPortRoutes,
  buildServiceRoutes,
  hasAddress,
  type OutboundContext,
  sharesPort,
} from "./outbound-routes.ts";
import { hasLabels, mtlsOf } from "./peer-authentication.ts";
import { type NamelessPort, portListener } from "./port-listener.ts";
import type { EnvoyResources } from "./translate.ts";

/** A sidecar: everything its namespace may call, and the ports on which its own workload serves. */
export function translateSidecar(context: OutboundContext): EnvoyResources {
  const { snapshot, scope, memo, proxy } = context;
  const { clusters, endpoints } = collectUpstreams(context, scope.services);
  const outbound = rememberedOutbound(context);
  const inbound = buildInbound(context);
  const fixed = memo.get("fixed-clusters sidecar", [snapshot.mesh], () => [
    blackHole(snapshot),
    passthrough(snapshot),
    inboundPassthrough(snapshot),
  ]);
  const catchAll = memo.get(`listener virtualOutbound ${scope.outboundMode}`, [snapshot.mesh], () =>
    virtualOutbound(context),
  );
  const edges = tunnelEdges(snapshot, proxy, memo);
  // The same maps for the same contents: then nothing downstream has to look into them.
  return {
    clusters: memo.get(`clusters of ${proxy.id}`, [fixed, clusters, inbound, edges], () =>
      byName([...fixed, ...clusters, ...inbound.clusters, ...edges.clusters]),
    ),
    endpoints,
    listeners: memo.get(`listeners of ${proxy.id}`, [catchAll, inbound, edges, ...outbound.listeners], () =>
      byName([catchAll, ...inbound.listeners, ...edges.listeners, ...outbound.listeners]),
    ),
    routes: outbound.routes,
  };
}

interface Outbound {
  readonly listeners: readonly Listener[];
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
}

/** Clients of one namespace share it, unless there are services without an address: they are reached pod by pod. */
function rememberedOutbound(context: OutboundContext): Outbound {
  const { snapshot, scope, memo, proxy, sourceKey } = context;
  const headless = memo.get(`headless ${scope.view}`, [scope.services], () =>
    scope.services.some((service) => service.headless),
  );
  const key = headless ? proxy.id : `${scope.view} ${sourceKey}`;
  const { services, destinationRules, mesh } = snapshot;
  const deps = [scope.services, scope.meshRoutes, services, destinationRules, mesh, sourceKey, scope.outboundMode];
  return memo.get(`outbound ${key}`, headless ? [...deps, snapshot.endpoints] : deps, () => buildOutbound(context));
}

function buildOutbound(context: OutboundContext): Outbound {
  const { scope } = context;
  const httpPorts = new Map<number, Service[]>();
  const nameless = new Map<number, NamelessPort[]>();
  const listeners: Listener[] = [];
  const routes: RouteConfiguration[] = [];
  for (const service of scope.services) {
    for (const port of service.ports) {
      if (port.protocol === "udp") continue;
      if (sharesPort(service, port)) {
        push(httpPorts, port.port, service);
        continue;
      }
      if (!hasAddress(service)) {
        push(nameless, port.port, { service, port });
        continue;
      }
      const addresses = addressesOf(context, service);
      listeners.push(...addresses.map((address) => serviceListener(context, { service, port, address })));
      if (port.protocol === "auto" && addresses.length > 0) routes.push(buildServiceRoutes(context, service, port));
    }
  }
  // Routes of VirtualServices whose host is no service live on port 80, which may have no service of its own.
  if (!httpPorts.has(80) && hasUnknownHosts(context)) httpPorts.set(80, []);
  const shared = new Set([...httpPorts.keys(), ...nameless.keys()]);
  for (const port of [...shared].toSorted((a, b) => a - b)) {
    const services = httpPorts.get(port);
    const others = nameless.get(port) ?? [];
    listeners.push(portListener(context, port, { http: services !== undefined, others }));
    if (services !== undefined) routes.push(buildPortRoutes(context, port, services));
  }
  return { listeners, routes: byName(routes) };
}

function push<Value>(lists: Map<number, Value[]>, port: number, value: Value): void {
  const list = lists.get(port);
  if (list === undefined) lists.set(port, [value]);
  else list.push(value);
}

const hasUnknownHosts = ({ scope, snapshot }: OutboundContext): boolean =>
  [...scope.meshRoutes.entries()].some(([host]) => !host.startsWith("*") && !snapshot.services.has(host));

/** Addresses that clients dial: the service's own, or those of every pod where it has none. */
function addressesOf({ snapshot, proxy }: OutboundContext, service: Service): readonly string[] {
  if (service.addresses.length > 0) return service.addresses;
  if (!service.headless) return [];
  const addresses = (snapshot.endpoints.get(service.hostname) ?? []).map(({ address }) => address);
  return addresses.filter((address) => !proxy.addresses.includes(address));
}

interface Inbound {
  readonly clusters: ReturnType<typeof inboundApplication>[];
  readonly listeners: readonly Listener[];
}

/** Inbound listener and clusters depend on this workload alone, so they are remembered for each proxy. */
function buildInbound({ snapshot, proxy, memo }: OutboundContext): Inbound {
  const services = servicesOf(snapshot, proxy, memo);
  const { peerAuthentications, authorizationPolicies, requestAuthentications, keySets, mesh } = snapshot;
  const policies = policiesOf(snapshot, proxy);
  const authorizers = authorizerServices(snapshot, policies);
  const security = [peerAuthentications, authorizationPolicies, requestAuthentications, keySets];
  const deps = [...services, ...authorizers, proxy.labels, proxy.ports, mesh, ...security];
  return memo.get(`inbound ${proxy.id}`, deps, () => {
    const found = services.flatMap((service) => inboundPorts(service, proxy));
    const unique = found.filter(
      (one, index) => found.findIndex(({ inbound }) => inbound.port === one.inbound.port) === index,
    );
    const options = {
      snapshot,
      ports: unique.map(({ inbound }) => inbound),
      mtlsOf: mtlsOf(snapshot, proxy),
      policies,
      authentication: jwtAuthentication(snapshot, proxy),
    };
    const tunnelled = proxy.hbone ? [tunnelledInbound(options, proxy.addresses)] : [];
    return {
      clusters: unique.map(({ inbound }) =>
        inboundApplication(
          snapshot,
          inbound.port,
          found.filter((other) => other.inbound.port === inbound.port).map(({ service }) => service),
        ),
      ),
      listeners: [virtualInbound(options), ...tunnelled],
    };
  });
}

/** Services that select the workload, whether or not it is ready: its listener must be there before it gets ready. */
function servicesOf(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): readonly Service[] {
  return memo.get(`own-services ${proxy.id}`, [snapshot.services, proxy.labels], () =>
    [...snapshot.services.values()].filter(
      ({ namespace, selector }) =>
        namespace === proxy.namespace && selector !== undefined && hasLabels(proxy.labels, selector),
    ),
  );
}

function inboundPorts(service: Service, proxy: ProxyNode): readonly { service: Service; inbound: InboundPort }[] {
  return service.ports.flatMap((port) => {
    const target = containerPort(port, proxy);
    if (target === undefined || port.protocol === "udp") return [];
    const inbound = { port: target, servicePort: port.port, protocol: port.protocol, hostname: service.hostname };
    return [{ service, inbound }];
  });
}

const containerPort = ({ targetPort }: ServicePort, proxy: ProxyNode): number | undefined =>
  typeof targetPort === "number" ? targetPort : proxy.ports[targetPort];
