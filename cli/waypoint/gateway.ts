import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { labels, ports } from "#api/names.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";

const WAYPOINT_CLASS = "istio-waypoint";
export const DEFAULT_NAME = "waypoint";
const trafficTypes = ["all", "none", "service", "workload"];

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A Gateway that is a waypoint, as far as the command line looks at it. */
export interface WaypointGateway extends KubeObject {
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface WaypointOptions {
  readonly name: string;
  /** Undefined: whichever it is applied to. */
  readonly namespace: string | undefined;
  readonly for?: string | undefined;
  readonly revision?: string | undefined;
}

/** The Gateway that a waypoint is asked for by. Throws BAD_REQUEST for a name or a traffic type that cannot be. */
export function makeWaypoint({ name, namespace, for: traffic, revision }: WaypointOptions): WaypointGateway {
  if (name === "none")
    throw new AppError("BAD_REQUEST", 'a waypoint cannot be called "none"', {
      hint: `The label ${labels.useWaypoint}=none means that there is to be none.`,
    });
  if (traffic !== undefined && !trafficTypes.includes(traffic))
    throw new AppError("BAD_REQUEST", `"${traffic}" is no type of traffic`, {
      hint: `--for takes ${trafficTypes.join(", ")}.`,
    });
  const own = {
    ...(traffic === undefined ? {} : { [labels.waypointFor]: traffic }),
    ...(revision === undefined ? {} : { [labels.revision]: revision }),
  };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: {
      ...(Object.keys(own).length === 0 ? {} : { labels: own }),
      name: name || DEFAULT_NAME,
      ...(namespace === undefined ? {} : { namespace }),
    },
    spec: {
      gatewayClassName: WAYPOINT_CLASS,
      listeners: [{ name: "mesh", port: ports.hbone, protocol: "HBONE" }],
    },
  };
}

/** Waypoints of a namespace, or of all, by namespace and name. */
export async function listWaypoints(
  client: KubeClient,
  query: { readonly namespace?: string; readonly labelSelector?: string },
): Promise<readonly WaypointGateway[]> {
  const { items } = await client.list<WaypointGateway>(resources.kubernetesGateways, query);
  return items
    .filter(({ spec }) => spec.gatewayClassName === WAYPOINT_CLASS)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;

export const programmedOf = ({ status }: WaypointGateway): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === "Programmed");

/** `90s`, `2m`, `500ms` in milliseconds, as Go writes durations. Throws BAD_REQUEST. */
export function milliseconds(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text)
    throw new AppError("BAD_REQUEST", `"${text}" is no duration such as 90s or 2m`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0), 0);
}
