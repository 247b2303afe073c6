import type { Workload } from "#gen/istio/istio/workload/workload.ts";
import { type Counter, type Histogram, type Labels, observe, type Registry } from "#mesh/lib/metrics/registry.ts";

export interface DnsRequest {
  readonly source: Workload | undefined;
  /** Such as A or AAAA. */
  readonly type: string;
  readonly transport: "udp" | "tcp";
}

interface Handles {
  readonly requests: Counter;
  readonly upstream: Counter;
  readonly failures: Counter;
  readonly duration: Histogram;
}

/** Types that are counted by name; clients may make up others. */
const known: ReadonlySet<string> = new Set([
  "A",
  "AAAA",
  "SRV",
  "PTR",
  "TXT",
  "MX",
  "NS",
  "SOA",
  "CNAME",
  "HTTPS",
  "SVCB",
]);
const MAX_CACHED = 4096;

/** Metrics of questions, under the names of Istio's ztunnel. */
export class DnsMetrics {
  readonly #registry: Registry;
  readonly #handles = new Map<string, Handles>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  asked(request: DnsRequest): void {
    this.#of(request).requests.value++;
  }

  /** The cluster's DNS was asked, and answered or not. */
  forwarded(request: DnsRequest, { ms, failed }: { readonly ms: number; readonly failed: boolean }): void {
    const { upstream, failures, duration } = this.#of(request);
    upstream.value++;
    if (failed) failures.value++;
    observe(duration, ms);
  }

  #of({ source, type, transport }: DnsRequest): Handles {
    const kind = known.has(type) ? type : "other";
    const key = `${kind}|${transport}|${source?.uid}`;
    const found = this.#handles.get(key);
    if (found !== undefined) return found;
    if (this.#handles.size >= MAX_CACHED) this.#handles.clear();
    const labels: Labels = [
      ["request_query_type", kind],
      ["request_protocol", transport],
      ["source_workload", source?.workloadName || "unknown"],
      ["source_workload_namespace", source?.namespace || "unknown"],
      ["source_canonical_service", source?.canonicalName || "unknown"],
      ["source_canonical_revision", source?.canonicalRevision || "latest"],
    ];
    const counter = (name: string, help: string): Counter => this.#registry.counter(name, help, labels);
    const duration = "istio_dns_upstream_request_duration_milliseconds";
    const handles: Handles = {
      requests: counter("istio_dns_requests_total", "DNS questions of captured pods"),
      upstream: counter("istio_dns_upstream_requests_total", "DNS questions that the cluster's DNS was asked"),
      failures: counter("istio_dns_upstream_failures_total", "DNS questions that the cluster's DNS did not answer"),
      duration: this.#registry.histogram(duration, "How long the cluster's DNS took to answer", labels),
    };
    this.#handles.set(key, handles);
    return handles;
  }
}
