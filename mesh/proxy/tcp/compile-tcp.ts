import type { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { milliseconds } from "../../lib/match/duration.ts";
import type { Direction } from "../filters/manager.ts";
import type { PeerMetadata } from "../request-record.ts";
import { compileTunneling, type Tunneling } from "../tunnel/compile-tunneling.ts";
import type { ClusterSlot, ClusterSlots } from "../upstream/cluster-slot.ts";

/** Where a TCP proxy sends connections. */
export interface TcpTarget {
  readonly direction: Direction;
  readonly clusters: readonly { readonly slot: ClusterSlot; readonly upTo: number }[];
  readonly total: number;
  /** 0 for none. */
  readonly idleTimeoutMs: number;
  readonly connectAttempts: number;
  /** Set where connections become streams of tunnels. */
  readonly tunnel: Tunneling | undefined;
}

export interface TcpCompiler {
  readonly slots: ClusterSlots;
  readonly direction: Direction;
  readonly self: PeerMetadata;
}

const hour = 3_600_000;

/** Compiles a TCP proxy with Envoy's defaults. */
export function compileTcpProxy(config: TcpProxy, { slots, direction, self }: TcpCompiler): TcpTarget {
  const specifier = config.clusterSpecifier;
  let total = 0;
  const weighted =
    specifier?.$case === "weightedClusters" ? specifier.value.clusters : [{ name: specifier?.value ?? "", weight: 1 }];
  const clusters = weighted.map(({ name, weight }) => {
    total += weight;
    return { slot: slots.get(name), upTo: total };
  });
  if (total === 0) throw new Error("the weights of its clusters add up to nothing");
  return {
    direction,
    clusters,
    total,
    idleTimeoutMs: milliseconds(config.idleTimeout) ?? hour,
    connectAttempts: config.maxConnectAttempts ?? 1,
    tunnel: config.tunnelingConfig === undefined ? undefined : compileTunneling(config.tunnelingConfig, self),
  };
}

/** The cluster for a connection, by weight. */
export function chooseSlot({ clusters, total }: TcpTarget, random: () => number): ClusterSlot | undefined {
  const at = random() * total;
  return (clusters.find(({ upTo }) => at < upTo) ?? clusters[0])?.slot;
}
