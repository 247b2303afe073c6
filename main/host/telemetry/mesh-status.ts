import { z } from "zod";
import type { MeshStatus, ProxySync, SyncState } from "#api/rpc/telemetry.ts";

/** One entry of istiod's /debug/syncz, as far as the lab reads it. Fields that a real istiod does not send are optional. */
const syncEntry = z.object({
  proxy: z.string(),
  proxy_type: z.string().optional(),
  istio_version: z.string().optional(),
  cluster_sent: z.string().optional(),
  cluster_acked: z.string().optional(),
  listener_sent: z.string().optional(),
  listener_acked: z.string().optional(),
  endpoint_sent: z.string().optional(),
  endpoint_acked: z.string().optional(),
  route_sent: z.string().optional(),
  route_acked: z.string().optional(),
  rejected: z.string().optional(),
});

type SyncEntry = z.infer<typeof syncEntry>;

/** Reads /debug/syncz into what the interface and the checks show. Throws if it is no such document. */
export function parseSyncz(text: string): MeshStatus {
  const proxies = z.array(syncEntry).parse(JSON.parse(text)).map(toSync);
  return { controlPlaneReady: true, proxies: proxies.toSorted((a, b) => a.id.localeCompare(b.id)) };
}

/** What several copies of the control plane say together. A proxy that has just moved from one to another counts where it is in sync. */
export function mergeMeshStatus(parts: readonly MeshStatus[]): MeshStatus {
  const proxies = new Map<string, ProxySync>();
  for (const proxy of parts.flatMap((part) => part.proxies)) {
    const known = proxies.get(proxy.id);
    if (known === undefined || !isSynced(known)) proxies.set(proxy.id, proxy);
  }
  return {
    controlPlaneReady: parts.some(({ controlPlaneReady }) => controlPlaneReady),
    proxies: [...proxies.values()].toSorted((a, b) => a.id.localeCompare(b.id)),
  };
}

function toSync(entry: SyncEntry): ProxySync {
  const dot = entry.proxy.lastIndexOf(".");
  return {
    id: entry.proxy,
    pod: entry.proxy.slice(0, dot),
    namespace: entry.proxy.slice(dot + 1),
    role: roleOf(entry.proxy_type),
    version: entry.istio_version ?? "",
    rejected: entry.rejected || undefined,
    types: {
      CDS: stateOf(entry.cluster_sent, entry.cluster_acked, entry.rejected),
      LDS: stateOf(entry.listener_sent, entry.listener_acked, entry.rejected),
      EDS: stateOf(entry.endpoint_sent, entry.endpoint_acked, entry.rejected),
      RDS: stateOf(entry.route_sent, entry.route_acked, entry.rejected),
    },
  };
}

function roleOf(type: string | undefined): ProxySync["role"] {
  if (type === "router") return "gateway";
  return type === "waypoint" || type === "ztunnel" ? type : "sidecar";
}

function stateOf(sent: string | undefined, acked: string | undefined, rejected: string | undefined): SyncState {
  if (!sent) return "NOT SENT";
  if (sent === acked) return "SYNCED";
  return rejected ? "REJECTED" : "STALE";
}

/** Whether everything that was sent to this proxy was taken over. */
export const isSynced = (proxy: ProxySync): boolean =>
  Object.values(proxy.types).every((state) => state === "SYNCED" || state === "NOT SENT");
