import { labels } from "#api/names.ts";
import { isHttp } from "../../model/protocol.ts";
import type { ProxyNode, Service, ServicePort, Snapshot, Workload } from "../../model/snapshot.ts";
import { boundTo, waypointOfService, waypointOfWorkload } from "../ambient/waypoints.ts";
import type { Memo } from "../memo.ts";

/** Whose traffic comes to a waypoint. */
export interface Members {
  /** Services with an address of their own: by that address traffic for them is recognised. */
  readonly services: readonly Service[];
  readonly workloads: readonly Workload[];
}

/** The services and workloads that are behind this waypoint. The same value as before if they are the same. */
export function membersOf(snapshot: Snapshot, proxy: ProxyNode, memo: Memo): Members {
  const waypoint = `${proxy.namespace}/${proxy.labels[labels.gatewayName] ?? ""}`;
  const { kubernetesGateways, namespaceLabels } = snapshot;
  const own = snapshot.kubernetesGateways.get(waypoint);
  const bindings = [own, kubernetesGateways, namespaceLabels];
  const services = memo.get(`waypoint-services ${waypoint}`, [snapshot.services, ...bindings], () =>
    [...snapshot.services.values()].filter(
      (service) =>
        own !== undefined && vipsOf(service).length > 0 && boundTo(waypointOfService(snapshot, service)) === own,
    ),
  );
  const workloads = memo.get(`waypoint-workloads ${waypoint}`, [snapshot.workloads, ...bindings], () =>
    [...snapshot.workloads.values()].filter(
      (workload) => own !== undefined && boundTo(waypointOfWorkload(snapshot, workload)) === own,
    ),
  );
  return {
    services: memo.get(`waypoint-services-kept ${waypoint}`, services, () => services),
    workloads: memo.get(`waypoint-workloads-kept ${waypoint}`, workloads, () => workloads),
  };
}

/** Addresses by which what is meant for a service is recognised: its own, or the one that the mesh gave it. */
export const vipsOf = ({ addresses, autoAddress }: Service): readonly string[] =>
  addresses.length === 0 && autoAddress !== undefined ? [autoAddress] : addresses;

/** The ways in which a port is read: as HTTP, as bytes, or as whichever of the two a connection turns out to be. */
export function readingsOf({ protocol }: ServicePort): readonly ("http" | "tcp")[] {
  if (protocol === "udp") return [];
  if (protocol === "auto") return ["tcp", "http"];
  return [isHttp(protocol) ? "http" : "tcp"];
}
