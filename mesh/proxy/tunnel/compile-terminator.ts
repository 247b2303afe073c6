import type { IncomingHttpHeaders } from "node:http2";
import type { Route } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import type { FilterStateValue } from "#gen/xds/envoy/extensions/filters/common/set_filter_state/v3/value.ts";
import { RBAC } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { Config as SetFilterState } from "#gen/xds/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.ts";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { compileText, type Operator } from "../../lib/access-log/format.ts";
import type { Direction } from "../filters/manager.ts";
import { ROUTER } from "../filters/registry.ts";
import type { DownstreamConnection } from "../http1/streams.ts";
import type { RequestSink } from "../request-record.ts";
import { type RulesGuard, rulesGuard } from "../tcp/network-rbac.ts";
import type { ClusterSlot, ClusterSlots } from "../upstream/cluster-slot.ts";

/** The end of tunnels: a connection manager that takes CONNECT over HTTP/2 and nothing else. */
export interface TunnelTerminator {
  readonly direction: Direction;
  /** The cluster of the internal listener that streams go on to. */
  readonly slot: ClusterSlot;
  readonly guards: readonly RulesGuard[];
  /** What is noted of a stream for whoever serves it. */
  readonly state: (headers: IncomingHttpHeaders, connection: DownstreamConnection) => ReadonlyMap<string, string>;
}

export interface TerminatorCompiler {
  readonly direction: Direction;
  readonly slots: ClusterSlots;
  readonly sink: RequestSink;
}

/** Whether a connection manager ends tunnels. */
export const endsTunnels = ({ http2ProtocolOptions, upgradeConfigs }: HttpConnectionManager): boolean =>
  http2ProtocolOptions?.allowConnect === true && upgradeConfigs.some(({ upgradeType }) => upgradeType === "CONNECT");

/** Istio's own filters: what they find out comes with the tunnel. */
const builtIn = /^istio\.|peer_metadata|grpc_stats/;

/** Compiles a connection manager that ends tunnels. Throws for filters and routes that it cannot do justice to. */
export function compileTerminator(config: HttpConnectionManager, compiler: TerminatorCompiler): TunnelTerminator {
  const guards: RulesGuard[] = [];
  const setters: StateSetter[] = [];
  for (const filter of config.httpFilters) {
    if (filter.disabled || filter.name === ROUTER || builtIn.test(filter.name)) continue;
    const packed = filter.configType?.$case === "typedConfig" ? filter.configType.value : undefined;
    if (packed?.typeUrl.endsWith("http.set_filter_state.v3.Config") === true)
      setters.push(...SetFilterState.decode(packed.value).onRequestHeaders.map(compileSetter));
    else if (packed?.typeUrl.endsWith("http.rbac.v3.RBAC") === true)
      guards.push(rulesGuard(RBAC.decode(packed.value), compiler.sink));
    else if (!filter.isOptional) throw new Error(unsupported(filter));
  }
  return {
    direction: compiler.direction,
    slot: compiler.slots.get(clusterOf(config)),
    guards,
    state: (headers, connection) => {
      const state = new Map<string, string>();
      for (const { key, value } of setters) state.set(key, value({ headers, connection }));
      return state;
    },
  };
}

const unsupported = ({ name }: HttpFilter): string => `HTTP filter ${name} is not supported where tunnels end`;

/** The cluster of the first route for CONNECT. */
function clusterOf({ routeSpecifier }: HttpConnectionManager): string {
  const hosts = routeSpecifier?.$case === "routeConfig" ? routeSpecifier.value.virtualHosts : [];
  for (const { match, action } of hosts.flatMap(({ routes }): readonly Route[] => routes)) {
    if (match?.pathSpecifier?.$case !== "connectMatcher" || action?.$case !== "route") continue;
    if (action.value.clusterSpecifier?.$case === "cluster") return action.value.clusterSpecifier.value;
  }
  throw new Error("it has no route for CONNECT to a cluster");
}

interface ConnectRequest {
  readonly headers: IncomingHttpHeaders;
  readonly connection: DownstreamConnection;
}

interface StateSetter {
  readonly key: string;
  readonly value: (request: ConnectRequest) => string;
}

function compileSetter({ key, value }: FilterStateValue): StateSetter {
  if (key?.$case !== "objectKey") throw new Error("filter state without a key is not supported");
  const format = value?.$case === "formatString" ? value.value.format : undefined;
  const text =
    format?.$case === "textFormatSource" && format.value.specifier?.$case === "inlineString"
      ? format.value.specifier.value
      : format?.$case === "textFormat"
        ? format.value
        : undefined;
  if (text === undefined) throw new Error(`filter state ${key.value} has no text`);
  const write = compileText<ConnectRequest>(text, { find: operatorOf });
  // An operator without a value is written as "-".
  return { key: key.value, value: (request) => write(request).replace(/^-$/, "") };
}

const operators: Readonly<Record<string, Operator<ConnectRequest>>> = {
  DOWNSTREAM_REMOTE_ADDRESS: ({ connection }) => connection.remoteText,
  DOWNSTREAM_LOCAL_ADDRESS: ({ connection }) => connection.localText,
  DOWNSTREAM_PEER_URI_SAN: ({ connection }) => connection.tls?.peerUri ?? "",
  DOWNSTREAM_LOCAL_URI_SAN: ({ connection }) => connection.tls?.localUri ?? "",
};

function operatorOf(name: string, argument = ""): Operator<ConnectRequest> {
  if (name === "REQ") {
    const header = argument.toLowerCase();
    return ({ headers }) => String(headers[header] ?? "");
  }
  const operator = operators[name];
  if (operator === undefined) throw new Error(`filter state cannot hold %${name}%`);
  return operator;
}
