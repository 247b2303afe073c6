import type { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { ProxyNode, Snapshot } from "../../model/snapshot.ts";
import type { Memo } from "../memo.ts";
import { internalCluster } from "./internal.ts";
import { MAIN_INTERNAL } from "./names.ts";
import { connectOriginateCluster, connectOriginateListener } from "./originate.ts";
import { connectTerminate } from "./terminate.ts";

export interface TunnelEdges {
  readonly listeners: readonly Listener[];
  readonly clusters: readonly Cluster[];
}

const NONE: TunnelEdges = { listeners: [], clusters: [] };

/** Where tunnels begin and, in a sidecar, end; nothing for proxies that speak no HBONE. A gateway takes no tunnels. */
export function tunnelEdges(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): TunnelEdges {
  if (!proxy.hbone) return NONE;
  const takes = proxy.type === "sidecar";
  return memo.get(`tunnel-edges ${takes}`, [snapshot.mesh], () => ({
    listeners: [connectOriginateListener(), ...(takes ? [connectTerminate(snapshot)] : [])],
    clusters: [
      connectOriginateCluster(snapshot, [`spiffe://${snapshot.mesh.trustDomain}/`]),
      ...(takes ? [internalCluster(MAIN_INTERNAL, MAIN_INTERNAL)] : []),
    ],
  }));
}
