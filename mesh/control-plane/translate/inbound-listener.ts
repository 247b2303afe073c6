import { ports } from "#api/names.ts";
import { TrafficDirection } from "#gen/xds/envoy/config/core/v3/base.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { Filter, FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Route, VirtualHost } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { HttpFilter } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { seconds } from "../model/duration.ts";
import { isHttp, type Protocol } from "../model/protocol.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { httpAuthorization, networkAuthorization } from "./authorization/filters.ts";
import type { Policies } from "./authorization/policies.ts";
import { internalListener } from "./hbone/internal.ts";
import { MAIN_INTERNAL } from "./hbone/names.ts";
import { httpConnection, tcpProxy } from "./http-connection.ts";
import {
  buildChain,
  buildListener,
  httpInspector,
  type MatchFields,
  originalDst,
  plainHttp,
  tlsInspector,
} from "./listener-parts.ts";
import { BLACK_HOLE, configPath, INBOUND_PASSTHROUGH, inboundCluster } from "./names.ts";
import type { MtlsDemand } from "./peer-authentication.ts";
import { buildRouteAction } from "./route-action.ts";
import { buildMatch } from "./route-match.ts";
import { meshAlpn, meshHttpAlpn, meshServerSocket, meshTcpAlpn } from "./tls.ts";

/** A port on which this workload serves. */
export interface InboundPort {
  /** Port of the container. */
  readonly port: number;
  readonly servicePort: number;
  readonly protocol: Protocol;
  /** Full name of the service whose port it is; names the operation in traces. */
  readonly hostname: string;
}

export interface InboundOptions {
  readonly snapshot: Snapshot;
  readonly ports: readonly InboundPort[];
  readonly mtlsOf: (port: number) => MtlsDemand;
  /** Reads tokens, for policies to judge by. */
  readonly authentication: readonly HttpFilter[];
  readonly policies: Policies;
}

/** Stands for ports that no service names. */
const NO_PORT = 0;

/** The listener that connections to the workload are redirected to: chains by port, by mutual TLS or not, and by protocol. */
export function virtualInbound(options: InboundOptions): Listener {
  const { snapshot, policies, authentication, mtlsOf } = options;
  const authorization = {
    http: httpAuthorization(snapshot, policies, authentication),
    network: networkAuthorization(snapshot, policies),
  };
  return buildListener({
    name: "virtualInbound",
    address: "0.0.0.0",
    port: ports.inbound,
    direction: "inbound",
    bind: true,
    listenerFilters: [originalDst(), tlsInspector(), httpInspector()],
    filterChains: [
      buildChain({
        name: "virtualInbound-blackhole",
        match: { destinationPort: ports.inbound },
        filters: [tcpProxy(BLACK_HOLE, snapshot.mesh)],
      }),
      ...chainsFor({
        snapshot,
        authorization,
        mtls: mtlsOf(NO_PORT),
        protocol: "auto",
        match: {},
        target: passthroughTarget,
      }),
      ...options.ports.flatMap((port) =>
        chainsFor({
          snapshot,
          authorization,
          mtls: mtlsOf(port.port),
          protocol: port.protocol,
          match: { destinationPort: port.port },
          target: targetOf(port),
        }),
      ),
    ],
  });
}

/**
 * What comes out of tunnels of HBONE for this workload: the same chains without a proxy's TLS, which ended with the tunnel. Only its
 * own addresses can be meant.
 */
export function tunnelledInbound(options: InboundOptions, addresses: readonly string[]): Listener {
  const { snapshot, policies, authentication } = options;
  const tunnelled = { ...policies, tunnelled: true };
  const authorization = {
    http: httpAuthorization(snapshot, tunnelled, authentication),
    network: networkAuthorization(snapshot, tunnelled),
  };
  const chainsOf = (protocol: Protocol, destinationPort: number | undefined, target: Target): FilterChain[] =>
    tunnelledChains({
      snapshot,
      authorization,
      mtls: { mode: "STRICT", policy: undefined },
      protocol,
      match: { ranges: addresses, ...(destinationPort === undefined ? {} : { destinationPort }) },
      target,
    });
  return {
    ...Listener.fromPartial({
      name: MAIN_INTERNAL,
      trafficDirection: TrafficDirection.INBOUND,
      continueOnListenerFiltersTimeout: true,
    }),
    ...internalListener,
    listenerFilters: [originalDst(), httpInspector()],
    listenerFiltersTimeout: seconds(5),
    filterChains: [
      ...options.ports.flatMap((port) => chainsOf(port.protocol, port.port, targetOf(port))),
      ...chainsOf("auto", undefined, passthroughTarget),
    ],
  };
}

function tunnelledChains(options: ChainsOptions): FilterChain[] {
  const { protocol, match, target } = options;
  const { applicationProtocols = [] } = plainHttp;
  const chain = (fields: MatchFields, filters: Filter[]): FilterChain =>
    buildChain({ name: target.name, match: { ...match, ...fields }, filters });
  if (isHttp(protocol)) return [chain({}, [httpFilter(options)])];
  const bytes = chain({}, tcpFilters(options));
  return protocol === "auto" ? [chain({ applicationProtocols }, [httpFilter(options)]), bytes] : [bytes];
}

/** Ports that no service names. */
const passthroughTarget: Target = {
  cluster: INBOUND_PASSTHROUGH,
  operation: "",
  virtualHost: "inbound|http|0",
  name: "virtualInbound-catchall",
};

const targetOf = (port: InboundPort): Target => ({
  cluster: inboundCluster(port.port),
  operation: `${port.hostname}:${port.servicePort}/*`,
  virtualHost: `inbound|http|${port.servicePort}`,
  name: `0.0.0.0_${port.port}`,
});

interface Target {
  readonly cluster: string;
  readonly operation: string;
  readonly virtualHost: string;
  readonly name: string;
}

interface ChainsOptions {
  readonly snapshot: Snapshot;
  readonly authorization: { readonly http: readonly HttpFilter[]; readonly network: readonly Filter[] };
  readonly mtls: MtlsDemand;
  readonly protocol: Protocol;
  readonly match: MatchFields;
  readonly target: Target;
}

/**
 * PERMISSIVE takes the mesh's mutual TLS (told by its ALPN), the application's own TLS as bytes, and plaintext. STRICT takes TLS
 * with a certificate of the mesh only; DISABLE plaintext and the application's TLS only. Source: Istio's PeerAuthentication.
 */
function chainsFor(options: ChainsOptions): FilterChain[] {
  switch (options.mtls.mode) {
    case "STRICT":
      return mutualChains(options, false);
    case "DISABLE":
      return plainChains(options);
    case "PERMISSIVE":
      return [...mutualChains(options, true), ...plainChains(options)];
  }
}

function mutualChains(options: ChainsOptions, byAlpn: boolean): FilterChain[] {
  const { snapshot, protocol, match, target, mtls } = options;
  const chain = (http: boolean, applicationProtocols: readonly string[]): FilterChain =>
    buildChain({
      name: target.name,
      match: {
        ...match,
        transportProtocol: "tls",
        ...(applicationProtocols.length > 0 ? { applicationProtocols } : {}),
      },
      filters: http ? [httpFilter(options)] : tcpFilters(options),
      transportSocket: meshServerSocket({ mesh: snapshot.mesh, http }),
      // Who comes without mutual TLS is told whose demand that is.
      config: byAlpn || mtls.policy === undefined ? undefined : configPath(mtls.policy.origin),
    });
  if (protocol === "auto") return [chain(true, meshHttpAlpn), chain(false, byAlpn ? meshTcpAlpn : [])];
  return [chain(isHttp(protocol), byAlpn ? meshAlpn : [])];
}

function plainChains(options: ChainsOptions): FilterChain[] {
  const { protocol, match, target } = options;
  const { name } = target;
  const raw = { ...match, transportProtocol: "raw_buffer" as const };
  const ownTls = buildChain({ name, match: { ...match, transportProtocol: "tls" }, filters: tcpFilters(options) });
  if (protocol === "auto") {
    const http = buildChain({ name, match: { ...match, ...plainHttp }, filters: [httpFilter(options)] });
    return [http, ownTls, buildChain({ name, match: raw, filters: tcpFilters(options) })];
  }
  const filters = isHttp(protocol) ? [httpFilter(options)] : tcpFilters(options);
  const plain = buildChain({ name, match: raw, filters });
  return isHttp(protocol) ? [plain] : [ownTls, plain];
}

const tcpFilters = ({ snapshot, target, authorization }: ChainsOptions): Filter[] => [
  ...authorization.network,
  tcpProxy(target.cluster, snapshot.mesh),
];

function httpFilter({ snapshot, target, authorization }: ChainsOptions): Filter {
  const action = buildRouteAction({
    route: { route: [{ destination: { host: "" } }], retries: { attempts: 0 } },
    pathRegex: undefined,
    destinations: { cluster: () => target.cluster, hashing: () => undefined },
  });
  const route: Route = {
    ...Route.fromPartial({
      name: "default",
      ...(target.operation === "" ? {} : { decorator: { operation: target.operation } }),
    }),
    match: buildMatch(undefined),
    action: { $case: "route", value: action },
  };
  const routes: RouteConfiguration = {
    ...RouteConfiguration.fromPartial({ name: target.cluster, validateClusters: false }),
    virtualHosts: [{ ...VirtualHost.fromPartial({ name: target.virtualHost, domains: ["*"] }), routes: [route] }],
  };
  return httpConnection({
    statPrefix: `inbound_${target.name};`,
    direction: "inbound",
    mesh: snapshot.mesh,
    authorization: authorization.http,
    routes,
  });
}
