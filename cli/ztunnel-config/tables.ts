import { table } from "../table.ts";
import type { Certificate, Connection, ZtunnelDump } from "./dump.ts";

/** What is shown of a dump; undefined for everything. */
export interface Filter {
  readonly namespace?: string | undefined;
  readonly node?: string | undefined;
  readonly address?: string | undefined;
  readonly direction?: string | undefined;
}

type Rows = readonly (readonly string[])[];

/** The tables of `istioctl ztunnel-config`. */
export function workloadsTable({ workloads }: ZtunnelDump, filter: Filter): string {
  const rows = workloads
    .filter(
      ({ namespace, node, workloadIps }) =>
        fits(filter.namespace, namespace) &&
        fits(filter.node, node) &&
        (filter.address === undefined || workloadIps.includes(filter.address)),
    )
    .map(({ namespace, name, workloadIps, node, waypoint, protocol }) => [
      namespace,
      name,
      workloadIps[0] ?? "",
      node,
      waypointName(waypoint),
      protocol === "NONE" ? "TCP" : protocol,
    ]);
  return table(["NAMESPACE", "POD NAME", "ADDRESS", "NODE", "WAYPOINT", "PROTOCOL"], sorted(rows));
}

export function servicesTable({ services }: ZtunnelDump, filter: Filter): string {
  const rows = services
    .filter(({ namespace }) => fits(filter.namespace, namespace))
    .map(({ namespace, name, vips, waypoint, endpoints }) => {
      const all = Object.values(endpoints);
      const healthy = all.filter(({ status }) => status === "Healthy").length;
      return [namespace, name, plainVips(vips), waypointName(waypoint), `${healthy}/${all.length}`];
    });
  return table(["NAMESPACE", "SERVICE NAME", "SERVICE VIP", "WAYPOINT", "ENDPOINTS"], sorted(rows));
}

export function policiesTable({ policies }: ZtunnelDump, filter: Filter): string {
  const rows = policies
    .filter(({ namespace }) => fits(filter.namespace, namespace))
    .map(({ namespace, name, action, scope }) => [namespace, name, action, scope]);
  return table(["NAMESPACE", "POLICY NAME", "ACTION", "SCOPE"], sorted(rows));
}

/** @param now milliseconds since 1970 */
export function certificatesTable({ certificates }: ZtunnelDump, now: number): string {
  const rows = certificates
    .toSorted((a, b) => a.identity.localeCompare(b.identity))
    .flatMap(({ identity, state, certChain, rootCerts }) => {
      const [leaf, ...intermediates] = certChain;
      if (leaf === undefined) return [[identity, "Leaf", state, "false", "", "", ""]];
      const row = (type: string, certificate: Certificate) => [
        identity,
        type,
        state,
        String(isValid(certificate, now)),
        certificate.serialNumber,
        certificate.expirationTime,
        certificate.validFrom,
      ];
      return [
        row("Leaf", leaf),
        ...intermediates.map((one) => row("Intermediate", one)),
        ...rootCerts.map((one) => row("Root", one)),
      ];
    });
  const header = ["CERTIFICATE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"];
  return table(header, rows);
}

export function connectionsTable({ workloadState }: ZtunnelDump, filter: Filter): string {
  const rows = Object.entries(workloadState).flatMap(([key, { connections }]) => {
    const [namespace = "", name = key] = key.split("/");
    if (!fits(filter.namespace, namespace)) return [];
    const inbound = connections.inbound.map((one) => [`${name}.${namespace}`, "Inbound", ...inboundCells(one)]);
    const outbound = connections.outbound.map((one) => [`${name}.${namespace}`, "Outbound", ...outboundCells(one)]);
    return [...inbound, ...outbound].filter(([, direction]) => fits(filter.direction, direction?.toLowerCase() ?? ""));
  });
  return table(["WORKLOAD", "DIRECTION", "LOCAL", "REMOTE", "REMOTE TARGET", "PROTOCOL"], sorted(rows));
}

const inboundCells = ({ src, originalDst = "", actualDst = "", protocol }: Connection): readonly string[] => [
  originalDst || actualDst,
  src,
  "",
  protocol,
];

const outboundCells = ({ src, originalDst = "", actualDst = "", protocol, service }: Connection): readonly string[] => [
  src,
  actualDst,
  service ?? (originalDst === actualDst ? "" : originalDst),
  protocol,
];

const fits = (wanted: string | undefined, value: string): boolean => wanted === undefined || wanted === value;

/** "network/address", where the network is mostly nameless. */
const plainVips = (vips: readonly string[]): string => vips.map((vip) => vip.slice(vip.indexOf("/") + 1)).join(",");

function waypointName(waypoint: { readonly destination: unknown } | undefined): string {
  if (waypoint === undefined) return "None";
  const { destination } = waypoint;
  if (typeof destination === "string") return destination.slice(destination.indexOf("/") + 1) || "None";
  return JSON.stringify(destination);
}

const isValid = ({ validFrom, expirationTime }: Certificate, now: number): boolean =>
  Date.parse(validFrom) <= now && now < Date.parse(expirationTime);

const sorted = (rows: Rows): Rows =>
  rows.toSorted((a, b) => (a.join("\0") < b.join("\0") ? -1 : a.join("\0") === b.join("\0") ? 0 : 1));
