import { X509Certificate } from "node:crypto";
import { certificatesIn } from "#mesh/lib/identity/request-certificate.ts";
import { isRevoked, type RevocationList } from "#mesh/lib/identity/revocation.ts";
import type { AgentView } from "../agent/view.ts";
import type { EndpointStatus } from "../data-plane.ts";

const DAY_MS = 24 * 3600 * 1000;

/** /clusters as Envoy prints it: one line a fact. */
export function clustersText({ dataPlane }: AgentView): string {
  const lines: string[] = [];
  for (const { name, endpoints, circuitBreakers } of dataPlane.clusterStatus()) {
    lines.push(
      `${name}::observability_name::${name}`,
      `${name}::default_priority::max_connections::${circuitBreakers.maxConnections}`,
      `${name}::default_priority::max_pending_requests::${circuitBreakers.maxPendingRequests}`,
      `${name}::default_priority::max_requests::${circuitBreakers.maxRequests}`,
      `${name}::added_via_api::true`,
    );
    for (const endpoint of endpoints) {
      const { address, weight } = endpoint;
      for (const [stat, value] of endpointStats(endpoint)) lines.push(`${name}::${address}::${stat}::${value}`);
      lines.push(
        `${name}::${address}::health_flags::${healthFlags(endpoint)}`,
        `${name}::${address}::weight::${weight}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

/** /clusters?format=json: envoy.admin.v3.Clusters. */
export function clustersJson({ dataPlane }: AgentView): unknown {
  return {
    cluster_statuses: dataPlane.clusterStatus().map(({ name, endpoints, circuitBreakers }) => ({
      name,
      observability_name: name,
      added_via_api: true,
      circuit_breakers: {
        thresholds: [
          {
            max_connections: circuitBreakers.maxConnections,
            max_pending_requests: circuitBreakers.maxPendingRequests,
            max_requests: circuitBreakers.maxRequests,
          },
        ],
      },
      host_statuses: endpoints.map((endpoint) => ({
        address: { socket_address: socketAddress(endpoint.address) },
        stats: endpointStats(endpoint).map(([stat, value]) => ({
          name: stat,
          value: String(value),
          type: stat.endsWith("_active") ? "GAUGE" : "COUNTER",
        })),
        health_status: {
          eds_health_status: endpoint.health === "EJECTED" ? "HEALTHY" : endpoint.health,
          ...(endpoint.health === "EJECTED" ? { failed_outlier_check: true } : {}),
        },
        weight: endpoint.weight,
      })),
    })),
  };
}

function endpointStats(endpoint: EndpointStatus): readonly (readonly [string, number])[] {
  return [
    ["cx_active", endpoint.activeConnections],
    ["cx_connect_fail", endpoint.connectFailures],
    ["rq_active", endpoint.activeRequests],
    ["rq_error", endpoint.totalErrors],
    ["rq_success", endpoint.totalRequests - endpoint.totalErrors],
    ["rq_total", endpoint.totalRequests],
  ];
}

function healthFlags({ health }: EndpointStatus): string {
  switch (health) {
    case "HEALTHY":
      return "healthy";
    case "EJECTED":
      return "/failed_outlier_check";
    case "UNHEALTHY":
      return "/failed_eds_health";
    case "DRAINING":
      return "/eds_status_draining";
  }
}

export function listenersText({ dataPlane }: AgentView): string {
  return dataPlane
    .listenerStatus()
    .map(({ name, address }) => `${name}::${address}\n`)
    .join("");
}

export function listenersJson({ dataPlane }: AgentView): unknown {
  return {
    listener_statuses: dataPlane.listenerStatus().map(({ name, address }) => ({
      name,
      local_address: { socket_address: socketAddress(address) },
    })),
  };
}

function socketAddress(address: string): { readonly address: string; readonly port_value: number } {
  const colon = address.lastIndexOf(":");
  return { address: address.slice(0, colon).replaceAll(/[[\]]/g, ""), port_value: Number(address.slice(colon + 1)) };
}

/** /certs: what this workload proves itself with and whom it trusts. */
export function certificates(view: AgentView): unknown {
  const current = view.certificate();
  if (current === undefined) return { certificates: [] };
  const { lists } = view.revocation;
  const details = (text: string) => certificatesIn(text).map((pem) => certificateDetails(pem, lists));
  return { certificates: [{ ca_cert: details(current.roots), cert_chain: details(current.chain) }] };
}

/** Envoy's fields, and beyond them who is who and whether it is revoked. */
function certificateDetails(pem: string, revoked: readonly RevocationList[]): unknown {
  const certificate = new X509Certificate(pem);
  const uris = [...(certificate.subjectAltName ?? "").matchAll(/URI:([^,\s]+)/g)].map(([, uri]) => ({ uri }));
  return {
    path: "<inline>",
    serial_number: certificate.serialNumber.toLowerCase(),
    subject_alt_names: uris,
    days_until_expiration: String(Math.max(0, Math.floor((certificate.validToDate.getTime() - Date.now()) / DAY_MS))),
    valid_from: certificate.validFromDate.toISOString(),
    expiration_time: certificate.validToDate.toISOString(),
    subject: certificate.subject ?? "",
    issuer: certificate.issuer ?? "",
    revoked: isRevoked(revoked, certificate),
  };
}

export function memory(): unknown {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  return {
    allocated: String(heapUsed + external),
    heap_size: String(heapTotal),
    pageheap_unmapped: "0",
    total_physical_bytes: String(rss),
  };
}

/** Envoy's names for what it counts about itself; sorted, as Envoy prints them. */
export function stats(view: AgentView): readonly (readonly [name: string, value: number])[] {
  const { connected, types } = view.xds.status();
  const found: [string, number][] = [
    ["control_plane.connected_state", connected ? 1 : 0],
    ["server.live", view.state() === "LIVE" ? 1 : 0],
    ["server.uptime", Math.floor((Date.now() - view.startedAt) / 1000)],
    ["server.memory_physical_size", process.memoryUsage.rss()],
  ];
  for (const { typeUrl, accepted, refused } of types) {
    const prefix = updateStats[typeUrl.split(".").at(-1) ?? ""];
    if (prefix !== undefined)
      found.push([`${prefix}.update_success`, accepted], [`${prefix}.update_rejected`, refused]);
  }
  for (const { name, endpoints } of view.dataPlane.clusterStatus()) {
    const sum = (of: (endpoint: EndpointStatus) => number): number =>
      endpoints.reduce((total, endpoint) => total + of(endpoint), 0);
    found.push(
      [`cluster.${name}.membership_total`, endpoints.length],
      [`cluster.${name}.membership_healthy`, endpoints.filter(({ health }) => health === "HEALTHY").length],
      [`cluster.${name}.upstream_cx_active`, sum((endpoint) => endpoint.activeConnections)],
      [`cluster.${name}.upstream_rq_active`, sum((endpoint) => endpoint.activeRequests)],
      [`cluster.${name}.upstream_rq_total`, sum((endpoint) => endpoint.totalRequests)],
    );
  }
  for (const { name, connections } of view.dataPlane.listenerStatus())
    found.push([`listener.${name}.downstream_cx_active`, connections]);
  return found.toSorted(([left], [right]) => (left < right ? -1 : 1));
}

const updateStats: Readonly<Record<string, string>> = {
  Cluster: "cluster_manager.cds",
  Listener: "listener_manager.lds",
  RouteConfiguration: "http.rds",
  ClusterLoadAssignment: "cluster.eds",
  Secret: "server.sds",
};
