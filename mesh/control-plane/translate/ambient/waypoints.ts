import { labels as labelNames, ports } from "#api/names.ts";
import type { GatewayAddress } from "#gen/istio/istio/workload/workload.ts";
import { selects } from "#kube/selector.ts";
import { gatewayClasses, type KubernetesGateway } from "../../model/kubernetes-gateway.ts";
import type { Service, Snapshot, Workload } from "../../model/snapshot.ts";
import { addressBytes } from "./addresses.ts";

type Labels = Readonly<Record<string, string>>;
type Waypoints = Pick<Snapshot, "kubernetesGateways" | "namespaceLabels">;

/** Which waypoint something is behind, or why it is behind none although it asks for one. */
export type WaypointBinding =
  | { readonly kind: "none" }
  | { readonly kind: "bound"; readonly waypoint: KubernetesGateway }
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly message: string };

/** Reasons as Istio writes them into the condition istio.io/WaypointBound. */
export type RefusalReason = "WaypointIsNotReady" | "AttachmentDenied" | "UnsupportedTrafficType";

const NONE: WaypointBinding = { kind: "none" };

/** What traffic a waypoint takes: what is addressed to services, to workloads, both or neither. */
type Traffic = "service" | "workload";

/**
 * The waypoint that takes what is sent to a service. Its own label counts before its namespace's. Source: Istio's documentation,
 * "Configure waypoint proxies".
 */
export function waypointOfService(snapshot: Waypoints, service: Service): WaypointBinding {
  if (service.labels[labelNames.gatewayManaged] !== undefined) return NONE;
  const binding = waypointFor(snapshot, service);
  if (binding.kind !== "bound" || takes(binding.waypoint, "service")) return binding;
  return unsupported(binding.waypoint, "service");
}

/** The waypoint that takes what is sent to the address of a workload itself. */
export function waypointOfWorkload(snapshot: Waypoints, workload: Workload): WaypointBinding {
  if (workload.labels[labelNames.gatewayManaged] !== undefined) return NONE;
  const binding = waypointFor(snapshot, workload);
  if (binding.kind !== "bound" || takes(binding.waypoint, "workload")) return binding;
  // What a namespace asks for is usually meant for its services: no mistake.
  return labelNames.useWaypoint in workload.labels ? unsupported(binding.waypoint, "workload") : NONE;
}

/** The waypoint of a binding that holds. */
export const boundTo = (binding: WaypointBinding): KubernetesGateway | undefined =>
  binding.kind === "bound" ? binding.waypoint : undefined;

function waypointFor(
  { kubernetesGateways, namespaceLabels }: Waypoints,
  { namespace, labels }: { readonly namespace: string; readonly labels: Labels },
): WaypointBinding {
  const ofNamespace = namespaceLabels.get(namespace) ?? {};
  const wanted = reference(labels, namespace) ?? reference(ofNamespace, namespace);
  if (wanted === undefined || wanted.name === "none") return NONE;
  const key = `${wanted.namespace}/${wanted.name}`;
  const waypoint = kubernetesGateways.get(key);
  if (waypoint === undefined || !isWaypoint(waypoint) || waypoint.addresses.length === 0)
    return { kind: "refused", reason: "WaypointIsNotReady", message: `waypoint ${key} is missing or is not ready yet` };
  if (!admits(waypoint, namespace, ofNamespace))
    return {
      kind: "refused",
      reason: "AttachmentDenied",
      message: `waypoint ${key} does not allow attachment from namespace ${namespace}; its listener's allowedRoutes say which it does`,
    };
  return { kind: "bound", waypoint };
}

function reference(
  labels: Labels,
  ownNamespace: string,
): { readonly namespace: string; readonly name: string } | undefined {
  const name = labels[labelNames.useWaypoint];
  if (name === undefined || name === "") return undefined;
  return { name, namespace: labels[labelNames.useWaypointNamespace] ?? ownNamespace };
}

export const isWaypoint = ({ className }: KubernetesGateway): boolean => className === gatewayClasses.waypoint;

export const trafficOf = ({ labels }: KubernetesGateway): string => labels[labelNames.waypointFor] ?? "service";

const takes = (waypoint: KubernetesGateway, traffic: Traffic): boolean =>
  trafficOf(waypoint) === "all" || trafficOf(waypoint) === traffic;

const unsupported = ({ origin }: KubernetesGateway, traffic: Traffic): WaypointBinding => ({
  kind: "refused",
  reason: "UnsupportedTrafficType",
  message: `waypoint ${origin.namespace}/${origin.name} takes no ${traffic} traffic (label ${labelNames.waypointFor})`,
});

/** Whether the listener for HBONE lets a namespace in; its own only, if it says nothing. */
function admits({ origin, listeners }: KubernetesGateway, namespace: string, labels: Labels): boolean {
  const listener = listeners.find(({ protocol, port }) => protocol === "HBONE" && port === ports.hbone);
  const allowed = listener?.allowedRoutes?.namespaces;
  switch (allowed?.from) {
    case "All":
      return true;
    case "None":
      return false;
    case "Selector":
      return selects(allowed.selector ?? {}, labels);
    case "Same":
    case undefined:
      return origin.namespace === namespace;
  }
}

/** Where a waypoint is, as ztunnels are told. */
export function waypointAddress({ origin, addresses }: KubernetesGateway): GatewayAddress {
  const [address = ""] = addresses;
  const [bytes] = addressBytes(address);
  return {
    destination:
      bytes === undefined
        ? { $case: "hostname", value: { namespace: origin.namespace, hostname: address } }
        : { $case: "address", value: { network: "", address: bytes } },
    hboneMtlsPort: ports.hbone,
  };
}
