import type { ProxySession } from "../serve/proxy-session.ts";
import type { XdsType } from "../xds/resource.ts";

/** One entry of /debug/syncz, in Istio's shape: what was sent and what was acknowledged, by nonce; plus what was refused. */
export interface SyncEntry {
  readonly cluster_id: string;
  readonly proxy: string;
  readonly proxy_type: string;
  readonly istio_version: string;
  readonly cluster_sent: string;
  readonly cluster_acked: string;
  readonly listener_sent: string;
  readonly listener_acked: string;
  readonly route_sent: string;
  readonly route_acked: string;
  readonly endpoint_sent: string;
  readonly endpoint_acked: string;
  /** Why the proxy refused what it was sent last; empty if it did not. */
  readonly rejected: string;
}

export function syncEntry({ node, watches, rejections }: ProxySession, clusterId: string): SyncEntry {
  const sent = (type: XdsType): string => watches.get(type)?.sentNonce ?? "";
  const acked = (type: XdsType): string => watches.get(type)?.ackedNonce ?? "";
  return {
    cluster_id: clusterId,
    proxy: node.id,
    proxy_type: node.type,
    istio_version: node.version,
    cluster_sent: sent("CDS"),
    cluster_acked: acked("CDS"),
    listener_sent: sent("LDS"),
    listener_acked: acked("LDS"),
    route_sent: sent("RDS"),
    route_acked: acked("RDS"),
    endpoint_sent: sent("EDS"),
    endpoint_acked: acked("EDS"),
    rejected: rejections.map(({ type, message }) => `${type}: ${message}`).join("; "),
  };
}

/** What every proxy has acknowledged: the newest snapshot it has in full, and what it refused. */
export interface ProxyAcks {
  readonly proxy: string;
  readonly type: string;
  readonly sentGeneration: number;
  readonly ackedGeneration: number;
  readonly rejected: readonly {
    readonly type: string;
    readonly message: string;
    readonly resources: readonly string[];
  }[];
}

export const proxyAcks = (session: ProxySession): ProxyAcks => ({
  proxy: session.node.id,
  type: session.node.type,
  sentGeneration: session.config?.generation ?? 0,
  ackedGeneration: session.ackedGeneration,
  rejected: session.rejections.map(({ type, message, resources }) => ({ type, message, resources })),
});
