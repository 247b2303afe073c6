import type { SocketAddress } from "#gen/xds/envoy/config/core/v3/address.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { Filter, FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import type { Direction, HttpEnvironment, HttpManager, RouteSlot } from "../filters/manager.ts";
import type { RouteCompiler } from "../route/compile-routes.ts";
import { compileTcpProxy, type TcpTarget } from "../tcp/compile-tcp.ts";
import { compileNetworkExtAuthz } from "../tcp/network-ext-authz.ts";
import { type ConnectionGuard, compileNetworkRbac } from "../tcp/network-rbac.ts";
import { compileDownstreamTls, TlsTerminator } from "../tls/downstream-tls.ts";
import type { SecretStore } from "../tls/secret-store.ts";
import { compileTerminator, endsTunnels, type TunnelTerminator } from "../tunnel/compile-terminator.ts";
import { compileChainMatcher } from "./chain-match.ts";
import { compileChainTree } from "./chain-tree.ts";
import { compileHttpManager } from "./compile-http.ts";
import { compileInspection } from "./compile-inspection.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import type { InspectRules } from "./inspect.ts";

/** What happens to a connection that a filter chain took. */
export interface CompiledChain {
  readonly name: string;
  readonly tls: TlsTerminator | undefined;
  /** The manifest that it is there for, where one is named. */
  readonly configSource: string;
  /** Asked in this order when the peer is known. */
  readonly guards: readonly ConnectionGuard[];
  readonly handler:
    | { readonly kind: "http"; readonly manager: HttpManager }
    | { readonly kind: "tcp"; readonly target: TcpTarget }
    | { readonly kind: "tunnels"; readonly terminator: TunnelTerminator };
}

/** A listener ready for connections. Replaced as a whole; connections keep the one that they began with. */
export interface CompiledListener {
  readonly name: string;
  /** Where it listens; undefined for an internal listener. */
  readonly address: string | undefined;
  readonly port: number;
  readonly binds: boolean;
  /** Hands connections to the listener of their original destination. */
  readonly handsOver: boolean;
  /** Takes the original destination as the connection's destination. */
  readonly redirected: boolean;
  readonly direction: Direction;
  /** By the destination's port. */
  readonly inspect: (port: number) => InspectRules;
  readonly backlog: number;
  choose(facts: ConnectionFacts): CompiledChain | undefined;
  /** Set when it is not in force any more: keep-alive ends with the next answer. */
  draining: boolean;
  /** What took its place. */
  successor: CompiledListener | undefined;
}

export interface ListenerCompiler {
  readonly role: "sidecar" | "router" | "waypoint";
  readonly secrets: SecretStore;
  readonly environment: HttpEnvironment;
  readonly routes: RouteCompiler;
  readonly routeSlot: (name: string) => RouteSlot;
}

interface ChainContext extends ListenerCompiler {
  readonly direction: Direction;
}

/** Network filters that change nothing here: what they do in Istio, the data plane does by itself. */
const passive = /metadata_exchange|peer_metadata|istio\.stats|network\.stats/;

/** Compiles a listener. Throws an error that says which filter chain cannot be used and why. */
export function compileListener(listener: Listener, compiler: ListenerCompiler): CompiledListener {
  const address = addressOf(listener);
  const context: ChainContext = { ...compiler, direction: directionOf(listener, compiler.role) };
  const chains = listener.filterChains.map((chain) => ({
    match: chain.filterChainMatch,
    chain: compileChain(chain, context),
  }));
  if (address === undefined && chains.some(({ chain }) => chain.tls !== undefined))
    throw new Error("it ends TLS, for which an internal listener has no socket");
  const fallback =
    listener.defaultFilterChain === undefined ? undefined : compileChain(listener.defaultFilterChain, context);
  const filters = listener.listenerFilters.map((filter) => filter.name);
  const { filterChainMatcher: tree } = listener;
  const byName = new Map(chains.map(({ chain }) => [chain.name, chain]));
  const chosen = tree === undefined ? undefined : compileChainTree(tree, byName);
  return {
    name: listener.name,
    address: address?.address,
    port: address?.portSpecifier?.$case === "portValue" ? address.portSpecifier.value : 0,
    binds: address !== undefined && (listener.bindToPort ?? true),
    handsOver: listener.useOriginalDst ?? false,
    redirected: filters.includes("envoy.filters.listener.original_dst") || listener.useOriginalDst === true,
    direction: context.direction,
    inspect: compileInspection(listener),
    backlog: listener.tcpBacklogSize ?? 1024,
    choose: chosen === undefined ? compileChainMatcher(chains, fallback) : (facts) => chosen(facts) ?? fallback,
    draining: false,
    successor: undefined,
  };
}

/** TrafficDirection: 1 is inbound, 2 outbound; a gateway has neither side. */
function directionOf(listener: Listener, role: ListenerCompiler["role"]): Direction {
  if (role === "router") return "gateway";
  if (role === "waypoint") return "waypoint";
  return listener.trafficDirection === 1 ? "inbound" : "outbound";
}

/** Undefined for an internal listener. */
function addressOf({ address, listenerSpecifier }: Listener): SocketAddress | undefined {
  if (listenerSpecifier?.$case === "internalListener") return undefined;
  if (address?.address?.$case !== "socketAddress") throw new Error("it has no socket address");
  return address.address.value;
}

/** Filter state for the next internal listener is told by a connection's provenance. */
const isPassive = ({ name, configType }: Filter): boolean =>
  passive.test(name) ||
  (configType?.$case === "typedConfig" && configType.value.typeUrl.endsWith("network.set_filter_state.v3.Config"));

function compileChain(chain: FilterChain, context: ChainContext): CompiledChain {
  try {
    const active = chain.filters.filter((filter) => !isPassive(filter));
    const guards = active.filter(isGuard);
    const filter = active[guards.length];
    if (filter === undefined || active.slice(0, guards.length).some((one) => !isGuard(one)))
      throw new Error("it has no filter that serves connections, or not at its end");
    const handler = compileHandler(filter, context);
    const socket = chain.transportSocket?.configType?.value;
    const secured = socket !== undefined && !socket.typeUrl.endsWith(".RawBuffer");
    const tls = secured
      ? new TlsTerminator(compileDownstreamTls(socket.typeUrl, socket.value), context.secrets, handler.kind === "http")
      : undefined;
    return {
      name: chain.name,
      tls,
      configSource: String(chain.metadata?.filterMetadata.istio?.config ?? ""),
      guards: guards.map((guard) => compileGuard(configOf(guard), context)),
      handler,
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`filter chain "${chain.name}": ${reason}`, { cause });
  }
}

function configOf(filter: Filter): Any {
  if (filter.configType?.$case !== "typedConfig")
    throw new Error(`filter ${filter.name} has no configuration of its own`);
  return filter.configType.value;
}

const RBAC = ".network.rbac.v3.RBAC";
const EXT_AUTHZ = ".network.ext_authz.v3.ExtAuthz";

const isGuard = ({ configType }: Filter): boolean =>
  configType?.$case === "typedConfig" && [RBAC, EXT_AUTHZ].some((type) => configType.value.typeUrl.endsWith(type));

const compileGuard = ({ typeUrl, value }: Any, { routes, environment: { sink } }: ChainContext): ConnectionGuard =>
  typeUrl.endsWith(RBAC) ? compileNetworkRbac(value, sink) : compileNetworkExtAuthz(value, routes.slots, sink);

function compileHandler(filter: Filter, context: ChainContext): CompiledChain["handler"] {
  const { typeUrl, value } = configOf(filter);
  const { direction, environment } = context;
  const { slots } = context.routes;
  if (typeUrl.endsWith(".HttpConnectionManager")) {
    const config = HttpConnectionManager.decode(value);
    if (!endsTunnels(config)) return { kind: "http", manager: compileHttpManager(config, context) };
    return { kind: "tunnels", terminator: compileTerminator(config, { direction, slots, sink: environment.sink }) };
  }
  if (typeUrl.endsWith(".TcpProxy")) {
    const compiler = { slots, direction, self: environment.self };
    return { kind: "tcp", target: compileTcpProxy(TcpProxy.decode(value), compiler) };
  }
  throw new Error(`network filter ${filter.name} (${typeUrl}) is not supported`);
}

/** Equal listeners need no swap. */
export function encodeListener(listener: Listener): Buffer {
  return Buffer.from(Listener.encode(listener).finish());
}
