import { isFailedStatus } from "#api/traffic.ts";
import { increase, quantile, type Sample, type Series, type SeriesNames } from "./prometheus.ts";

/** What one workload sent another in a window, from the proxies' metrics. */
export interface EdgeStats {
  readonly source: Workload;
  readonly destination: Workload;
  readonly destinationService: string;
  readonly protocol: "http" | "tcp";
  readonly requests: number;
  readonly errors: number;
  readonly byStatus: ReadonlyMap<string, number>;
  readonly byFlag: ReadonlyMap<string, number>;
  /** Of the requests that the destination's proxy reports. */
  readonly mutualTls: { readonly secured: number; readonly all: number };
  readonly p50Ms: number | undefined;
  readonly p90Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly app: string;
  readonly version: string;
}

interface Accumulator {
  readonly source: Workload;
  readonly destination: Workload;
  readonly destinationService: string;
  protocol: "http" | "tcp";
  requests: number;
  errors: number;
  readonly byStatus: Map<string, number>;
  readonly byFlag: Map<string, number>;
  secured: number;
  reported: number;
  readonly buckets: Map<number, number>;
}

/**
 * Sums what all proxies counted between two samples into edges. The caller's proxy counts requests, errors and latency (it
 * also sees what never arrived); the callee's knows whether mutual TLS was really used. A waypoint knows both: callers in ambient
 * mode have no proxy that would know requests.
 */
export function edgesBetween(
  pairs: Iterable<{ readonly from: Sample | undefined; readonly to: Sample }>,
  names: SeriesNames,
): readonly EdgeStats[] {
  const edges = new Map<string, Accumulator>();
  for (const { from, to } of pairs) {
    for (const series of to.values.keys()) {
      const count = increase(series, from, to);
      if (count > 0) add(edges, names.parse(series), count);
    }
  }
  return [...edges.values()].map(finish).filter((edge) => edge.requests > 0);
}

function add(edges: Map<string, Accumulator>, { name, labels }: Series, count: number): void {
  const edge = (): Accumulator => accumulator(edges, labels);
  if (name === "istio_requests_total") {
    if (countsCalls(labels)) addRequests(edge(), { labels, count });
    if (labels.reporter !== "source") addSecurity(edge(), labels.connection_security_policy, count);
  } else if (name === "istio_request_duration_milliseconds_bucket" && countsCalls(labels)) {
    const le = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    const { buckets } = edge();
    buckets.set(le, (buckets.get(le) ?? 0) + count);
  } else if (name === "istio_tcp_connections_opened_total") {
    const tcp = edge();
    tcp.protocol = "tcp";
    if (countsCalls(labels)) tcp.requests += count;
    if (labels.reporter !== "source") addSecurity(tcp, labels.connection_security_policy, count);
  }
}

const countsCalls = ({ reporter }: Readonly<Record<string, string>>): boolean =>
  reporter === "source" || reporter === "waypoint";

function addRequests(
  edge: Accumulator,
  { labels, count }: { labels: Readonly<Record<string, string>>; count: number },
): void {
  const status = labels.response_code ?? "0";
  const flags = labels.response_flags ?? "-";
  edge.requests += count;
  if (isFailedStatus(Number(status))) edge.errors += count;
  edge.byStatus.set(status, (edge.byStatus.get(status) ?? 0) + count);
  if (flags !== "-" && flags !== "") edge.byFlag.set(flags, (edge.byFlag.get(flags) ?? 0) + count);
}

function addSecurity(edge: Accumulator, policy: string | undefined, count: number): void {
  edge.reported += count;
  if (policy === "mutual_tls") edge.secured += count;
}

function accumulator(edges: Map<string, Accumulator>, labels: Readonly<Record<string, string>>): Accumulator {
  const source = workload(labels, "source");
  const destination = workload(labels, "destination");
  const key = `${source.namespace}/${source.name}>${destination.namespace}/${destination.name}`;
  const known = edges.get(key);
  if (known !== undefined) return known;
  const fresh: Accumulator = {
    source,
    destination,
    destinationService: labels.destination_service_name ?? "",
    protocol: "http",
    requests: 0,
    errors: 0,
    byStatus: new Map(),
    byFlag: new Map(),
    secured: 0,
    reported: 0,
    buckets: new Map(),
  };
  edges.set(key, fresh);
  return fresh;
}

function workload(labels: Readonly<Record<string, string>>, side: "source" | "destination"): Workload {
  const known = (value: string | undefined): string => (value === undefined || value === "unknown" ? "" : value);
  const name = known(labels[`${side}_workload`]);
  // A request that reached no workload (no healthy endpoint, no route) still names the service that was meant.
  const service = side === "destination" ? known(labels.destination_service_name) : "";
  const namespaceLabel = known(labels[`${side}_workload_namespace`]);
  const serviceNamespace = side === "destination" ? known(labels.destination_service_namespace) : "";
  return {
    name: name || service || "unknown",
    namespace: namespaceLabel || serviceNamespace,
    app: known(labels[`${side}_app`]) || known(labels[`${side}_canonical_service`]) || name || service,
    version: known(labels[`${side}_version`]) || known(labels[`${side}_canonical_revision`]),
  };
}

function finish(edge: Accumulator): EdgeStats {
  const buckets = [...edge.buckets].map(([le, count]) => ({ le, count })).toSorted((a, b) => a.le - b.le);
  return {
    source: edge.source,
    destination: edge.destination,
    destinationService: edge.destinationService,
    protocol: edge.protocol,
    requests: edge.requests,
    errors: edge.errors,
    byStatus: edge.byStatus,
    byFlag: edge.byFlag,
    mutualTls: { secured: edge.secured, all: edge.reported },
    p50Ms: quantile(buckets, 0.5),
    p90Ms: quantile(buckets, 0.9),
    p99Ms: quantile(buckets, 0.99),
  };
}
