import { type Counter, type Histogram, type Labels, observe, type Registry } from "#mesh/lib/metrics/registry.ts";
import type { DestinationService, PeerMetadata, PolicyOutcome, RequestRecord, RequestSink } from "../request-record.ts";

interface HttpHandles {
  readonly kind: "http";
  readonly requests: Counter;
  readonly duration: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
}

interface TcpHandles {
  readonly kind: "tcp";
  readonly opened: Counter;
  readonly closed: Counter;
  readonly sent: Counter;
  readonly received: Counter;
}

/** Handles with what they stand for, to tell apart what the cache's short keys cannot. */
interface Entry {
  readonly handles: HttpHandles | TcpHandles;
  readonly service: string | undefined;
  readonly namespace: string;
  readonly workload: string;
  readonly principal: string;
  /** Whom a waypoint called; empty elsewhere, where the cluster tells. */
  readonly called: string;
}

type Level<Value> = Map<string | number, Value>;

/** More ways through the proxy than this and the cache starts anew; the series stay. */
const MAX_CACHED = 8192;

/**
 * Istio's standard metrics from what the data plane reports. A record finds its handles through maps keyed by strings that live as
 * long as the configuration, so that counting allocates nothing.
 */
export class IstioMetrics implements RequestSink {
  readonly #registry: Registry;
  readonly #self: PeerMetadata;
  readonly #cache: Level<Level<Level<Level<Entry>>>> = new Map();
  readonly #decisions = new Map<string, Counter>();
  #cached = 0;

  constructor(registry: Registry, self: PeerMetadata) {
    this.#registry = registry;
    this.#self = self;
  }

  record(record: RequestRecord): void {
    const handles = this.#find(record);
    if (handles.kind === "http") {
      handles.requests.value++;
      observe(handles.duration, record.durationMs);
      observe(handles.requestBytes, record.bytesReceived);
      observe(handles.responseBytes, record.bytesSent);
    } else {
      handles.opened.value++;
      handles.closed.value++;
      handles.sent.value += record.bytesSent;
      handles.received.value += record.bytesReceived;
    }
  }

  /** Envoy's statistics of single rules, as one metric. */
  decided(policy: string | undefined, outcome: PolicyOutcome): void {
    const key = `${outcome} ${policy ?? ""}`;
    let counter = this.#decisions.get(key);
    if (counter === undefined) {
      const labels: Labels = [
        ["policy", policy ?? "none"],
        ["outcome", outcome],
      ];
      counter = this.#registry.counter("envoy_rbac_policy_total", "What rules of authorization decided", labels);
      this.#decisions.set(key, counter);
    }
    counter.value++;
  }

  #find(record: RequestRecord): HttpHandles | TcpHandles {
    const inbound = record.direction === "inbound";
    const waypoint = record.direction === "waypoint";
    const peer = inbound || waypoint ? record.source : record.destination;
    const byPeer = level(this.#cache, record.cluster);
    // What varies little goes into a number: the status, the direction, TCP or not, encrypted or not.
    const kind =
      record.status * 8 + (inbound ? 4 : 0) + (record.protocol === "TCP" ? 2 : 0) + (record.mutualTls ? 1 : 0);
    const byKind = level(byPeer, peer?.name ?? "");
    const byFlags = level(byKind, kind);
    const entry = byFlags.get(record.flags);
    const principal = inbound || waypoint ? record.sourcePrincipal : record.destinationPrincipal;
    const called = waypoint ? (record.destination?.workload ?? "") : "";
    const service = destinationService(record)?.host;
    if (
      entry !== undefined &&
      entry.namespace === (peer?.namespace ?? "") &&
      entry.workload === (peer?.workload ?? "") &&
      entry.called === called &&
      entry.principal === principal &&
      entry.service === service
    )
      return entry.handles;
    const handles = this.#resolve(record);
    const { namespace = "", workload = "" } = peer ?? {};
    if (++this.#cached > MAX_CACHED) {
      this.#cache.clear();
      this.#cached = 0;
    } else byFlags.set(record.flags, { handles, namespace, workload, called, principal, service });
    return handles;
  }

  #resolve(record: RequestRecord): HttpHandles | TcpHandles {
    const labels = istioLabels(record, this.#self);
    const counter = (name: string, help: string, of: Labels): Counter => this.#registry.counter(name, help, of);
    if (record.protocol === "TCP") {
      return {
        kind: "tcp",
        opened: counter("istio_tcp_connections_opened_total", "TCP connections opened", labels),
        closed: counter("istio_tcp_connections_closed_total", "TCP connections closed", labels),
        sent: counter("istio_tcp_sent_bytes_total", "Bytes sent in answer over TCP", labels),
        received: counter("istio_tcp_received_bytes_total", "Bytes received in requests over TCP", labels),
      };
    }
    const histogram = (name: string, help: string): Histogram => this.#registry.histogram(name, help, labels);
    return {
      kind: "http",
      requests: counter("istio_requests_total", "Requests", labels),
      duration: histogram("istio_request_duration_milliseconds", "How long requests took"),
      requestBytes: histogram("istio_request_bytes", "Sizes of requests' bodies"),
      responseBytes: histogram("istio_response_bytes", "Sizes of responses' bodies"),
    };
  }
}

function level<Value extends Map<string | number, unknown>>(map: Level<Value>, key: string | number): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map() as Value;
  map.set(key, made);
  return made;
}

/** Routes that stand for the fixed clusters where unknown HTTP traffic ends. */
const fixedRoutes: Readonly<Record<string, string>> = {
  block_all: "BlackHoleCluster",
  allow_any: "PassthroughCluster",
};
const fixedClusters: ReadonlySet<string> = new Set([
  "BlackHoleCluster",
  "PassthroughCluster",
  "InboundPassthroughCluster",
]);

/**
 * The service that was called. What no service is known for is counted under the fixed cluster where it ended, with the host that
 * was asked for. Source: Istio's documentation on monitoring blocked and passed-through external traffic.
 */
function destinationService(record: RequestRecord): DestinationService | undefined {
  if (record.destinationService !== undefined) return record.destinationService;
  const name = fixedClusters.has(record.cluster) ? record.cluster : fixedRoutes[record.routeName];
  if (name === undefined) return undefined;
  // What strangers write into Host must not make series.
  const host = record.direction === "inbound" ? "" : record.authority.replace(/:\d+$/, "");
  return { host, name, namespace: "" };
}

/** Istio's labels in Istio's order. Source: its reference of standard metrics. What is not known is "unknown". */
export function istioLabels(record: RequestRecord, self: PeerMetadata): Labels {
  const inbound = record.direction === "inbound";
  const waypoint = record.direction === "waypoint";
  const source = inbound || waypoint ? record.source : self;
  const destination = inbound ? self : record.destination;
  const service = destinationService(record);
  const tcp = record.protocol === "TCP";
  return [
    ["reporter", inbound ? "destination" : waypoint ? "waypoint" : "source"],
    ["source_workload", known(source?.workload)],
    ["source_canonical_service", known(source?.canonicalService)],
    ["source_canonical_revision", known(source?.canonicalRevision, "latest")],
    ["source_workload_namespace", known(source?.namespace)],
    ["source_principal", known(record.sourcePrincipal)],
    ["source_app", known(source?.app)],
    ["source_version", known(source?.version)],
    ["source_cluster", known(source?.cluster)],
    ["destination_workload", known(destination?.workload)],
    ["destination_workload_namespace", known(destination?.namespace)],
    ["destination_principal", known(record.destinationPrincipal)],
    ["destination_app", known(destination?.app)],
    ["destination_version", known(destination?.version)],
    ["destination_service", known(service?.host)],
    ["destination_canonical_service", known(destination?.canonicalService)],
    ["destination_canonical_revision", known(destination?.canonicalRevision, "latest")],
    ["destination_service_name", known(service?.name)],
    ["destination_service_namespace", known(service?.namespace)],
    ["destination_cluster", known(destination?.cluster)],
    ["request_protocol", tcp ? "tcp" : "http"],
    ...(tcp
      ? []
      : ([
          ["response_code", String(record.status)],
          ["grpc_response_status", ""],
        ] as const)),
    ["response_flags", record.flags === "" ? "-" : record.flags],
    // Only the receiving side knows what really came over the wire.
    ["connection_security_policy", inbound || waypoint ? (record.mutualTls ? "mutual_tls" : "none") : "unknown"],
  ];
}

const known = (value: string | undefined, fallback = "unknown"): string =>
  value === undefined || value === "" ? fallback : value;
