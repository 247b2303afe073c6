import type { DnsMetrics } from "./metrics.ts";
import type { UpstreamServer } from "./upstream.ts";

/** What all pods' DNS proxies share. */
export interface DnsSettings {
  /** The cluster's domain, such as cluster.local. */
  readonly domain: string;
  /** The cluster's DNS, in the order in which it is to be asked. */
  readonly upstream: readonly UpstreamServer[];
  readonly metrics: DnsMetrics;
}
