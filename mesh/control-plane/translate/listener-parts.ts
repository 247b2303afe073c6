import { Metadata, TrafficDirection } from "#gen/xds/envoy/config/core/v3/base.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import {
  type Filter,
  FilterChain,
  FilterChainMatch,
  type ListenerFilter,
} from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { HttpInspector } from "#gen/xds/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts";
import { OriginalDst } from "#gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts";
import { TlsInspector } from "#gen/xds/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.ts";
import { seconds } from "../model/duration.ts";
import { tcpAddress } from "./address.ts";
import { pack } from "./any.ts";
import { plainHttpAlpn } from "./tls.ts";

const listenerFilter = (name: string, value: ReturnType<typeof pack>): ListenerFilter => ({
  name,
  configType: { $case: "typedConfig", value },
  filterDisabled: undefined,
});

export const tlsInspector = (): ListenerFilter =>
  listenerFilter(
    "envoy.filters.listener.tls_inspector",
    pack("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", TlsInspector, TlsInspector.fromPartial({})),
  );

export const httpInspector = (): ListenerFilter =>
  listenerFilter(
    "envoy.filters.listener.http_inspector",
    pack(
      "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
      HttpInspector,
      HttpInspector.fromPartial({}),
    ),
  );

export const originalDst = (): ListenerFilter =>
  listenerFilter(
    "envoy.filters.listener.original_dst",
    pack("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", OriginalDst, OriginalDst.fromPartial({})),
  );

export interface ListenerOptions {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly direction: "outbound" | "inbound";
  readonly filterChains: FilterChain[];
  readonly defaultFilterChain?: FilterChain;
  readonly listenerFilters?: ListenerFilter[];
  /** False for a listener that only takes over what the capturing listener hands on. */
  readonly bind: boolean;
  readonly useOriginalDst?: boolean;
}

/** A listener. One that inspects first bytes waits for them without end only where the client is known to speak first. */
export function buildListener(options: ListenerOptions): Listener {
  const inspects = (options.listenerFilters ?? []).length > 0;
  return {
    ...Listener.fromPartial({
      name: options.name,
      trafficDirection: options.direction === "outbound" ? TrafficDirection.OUTBOUND : TrafficDirection.INBOUND,
      continueOnListenerFiltersTimeout: inspects,
    }),
    address: tcpAddress(options.address, options.port),
    filterChains: options.filterChains,
    defaultFilterChain: options.defaultFilterChain,
    listenerFilters: options.listenerFilters ?? [],
    ...(inspects ? { listenerFiltersTimeout: seconds(options.direction === "inbound" ? 5 : 0) } : {}),
    ...(options.bind ? {} : { bindToPort: false }),
    ...(options.useOriginalDst === true ? { useOriginalDst: true } : {}),
  };
}

export interface MatchFields {
  readonly destinationPort?: number;
  readonly transportProtocol?: "tls" | "raw_buffer";
  readonly applicationProtocols?: readonly string[];
  readonly serverNames?: readonly string[];
  /** Ranges ("10.0.0.0/8", or single addresses) that the dialled address must be in. */
  readonly ranges?: readonly string[];
}

export interface ChainOptions {
  readonly name: string;
  readonly match?: MatchFields;
  readonly filters: Filter[];
  readonly transportSocket?: FilterChain["transportSocket"];
  /** The manifest that this chain is there for. */
  readonly config?: string | undefined;
}

export function buildChain({ name, match, filters, transportSocket, config }: ChainOptions): FilterChain {
  return {
    ...FilterChain.fromPartial({ name }),
    ...(config === undefined ? {} : { metadata: Metadata.fromPartial({ filterMetadata: { istio: { config } } }) }),
    filterChainMatch: match === undefined ? undefined : matchOf(match),
    filters,
    transportSocket,
  };
}

const matchOf = (match: MatchFields): FilterChainMatch => ({
  ...FilterChainMatch.fromPartial({}),
  destinationPort: match.destinationPort,
  transportProtocol: match.transportProtocol ?? "",
  applicationProtocols: [...(match.applicationProtocols ?? [])],
  serverNames: [...(match.serverNames ?? [])],
  prefixRanges: (match.ranges ?? []).map((range) => {
    const [addressPrefix = "", length] = range.split("/");
    return {
      addressPrefix,
      prefixLen: length === undefined ? (addressPrefix.includes(":") ? 128 : 32) : Number(length),
    };
  }),
});

/** Plaintext that looks like HTTP. */
export const plainHttp: MatchFields = { transportProtocol: "raw_buffer", applicationProtocols: plainHttpAlpn };
