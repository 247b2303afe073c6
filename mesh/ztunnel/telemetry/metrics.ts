import type { Workload } from "#gen/istio/istio/workload/workload.ts";
import type { Counter, Labels, Registry } from "#mesh/lib/metrics/registry.ts";
import type { ConnectionFlag, ConnectionInfo, ConnectionResult } from "./connections.ts";

interface Handles {
  readonly opened: Counter;
  readonly closed: Counter;
  readonly sent: Counter;
  readonly received: Counter;
}

/** Ways through the node beyond which handles are looked up anew; the series stay. */
const MAX_CACHED = 4096;

/** Istio's standard TCP metrics, by both ends of a connection. */
export class TcpMetrics {
  readonly #registry: Registry;
  readonly #handles = new Map<string, Handles>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  opened(info: ConnectionInfo, flag: ConnectionFlag): void {
    this.#of(info, flag).opened.value++;
  }

  closed(info: ConnectionInfo, { sent, received, flag }: ConnectionResult): void {
    const handles = this.#of(info, flag ?? "-");
    handles.closed.value++;
    handles.sent.value += sent;
    handles.received.value += received;
  }

  #of(info: ConnectionInfo, flag: ConnectionFlag): Handles {
    const { source, destination, direction, mutualTls } = info;
    const key = [
      flag,
      direction,
      mutualTls,
      source.workload?.uid,
      source.identity,
      destination.workload?.uid,
      destination.identity,
      destination.service?.hostname,
    ].join("|");
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    if (this.#handles.size >= MAX_CACHED) this.#handles.clear();
    const handles = this.#make(tcpLabels(info, flag));
    this.#handles.set(key, handles);
    return handles;
  }

  #make(labels: Labels): Handles {
    const counter = (name: string, help: string): Counter => this.#registry.counter(name, help, labels);
    return {
      opened: counter("istio_tcp_connections_opened_total", "TCP connections opened"),
      closed: counter("istio_tcp_connections_closed_total", "TCP connections closed"),
      sent: counter("istio_tcp_sent_bytes_total", "Bytes sent in answer over TCP"),
      received: counter("istio_tcp_received_bytes_total", "Bytes received in requests over TCP"),
    };
  }
}

/** Istio's labels in Istio's order. Source: its reference of standard metrics. What is not known is "unknown". */
function tcpLabels({ direction, source, destination, mutualTls }: ConnectionInfo, flag: ConnectionFlag): Labels {
  const { service } = destination;
  const from = source.workload;
  const to = destination.workload;
  return [
    ["reporter", direction === "inbound" ? "destination" : "source"],
    ["source_workload", known(from?.workloadName)],
    ["source_canonical_service", known(from?.canonicalName)],
    ["source_canonical_revision", known(from?.canonicalRevision, "latest")],
    ["source_workload_namespace", known(from?.namespace)],
    ["source_principal", known(source.identity)],
    ["source_app", known(from?.canonicalName)],
    ["source_version", versionOf(from)],
    ["source_cluster", known(from?.clusterId)],
    ["destination_workload", known(to?.workloadName)],
    ["destination_workload_namespace", known(to?.namespace)],
    ["destination_principal", known(destination.identity)],
    ["destination_app", known(to?.canonicalName)],
    ["destination_version", versionOf(to)],
    ["destination_service", known(service?.hostname)],
    ["destination_canonical_service", known(to?.canonicalName)],
    ["destination_canonical_revision", known(to?.canonicalRevision, "latest")],
    ["destination_service_name", known(service?.name)],
    ["destination_service_namespace", known(service?.namespace)],
    ["destination_cluster", known(to?.clusterId)],
    ["request_protocol", "tcp"],
    ["response_flags", flag],
    ["connection_security_policy", mutualTls ? "mutual_tls" : "unknown"],
  ];
}

/** The control plane says "latest" where a workload has no version. */
const versionOf = (workload: Workload | undefined): string => known(workload?.canonicalRevision, "latest");

const known = (value: string | undefined, fallback = "unknown"): string =>
  value === undefined || value === "" ? fallback : value;
