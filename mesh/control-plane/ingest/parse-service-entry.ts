import type { ServiceEntrySpec } from "../model/other-kinds.ts";
import { protocolOf } from "../model/protocol.ts";
import type { Endpoint, Origin, Service } from "../model/snapshot.ts";

/** The services that a ServiceEntry makes known: one for each of its hosts. */
export function servicesOf(
  origin: Origin,
  spec: ServiceEntrySpec,
  defaultExportTo: readonly string[],
): readonly Service[] {
  const resolution = resolutionOf(spec);
  const ports = (spec.ports ?? []).map((port) => ({
    name: port.name ?? String(port.number),
    port: port.number,
    protocol: protocolOf({ port: port.number, appProtocol: port.protocol, name: port.name }),
    targetPort: port.targetPort ?? port.number,
  }));
  return spec.hosts.map((hostname) => ({
    origin,
    hostname,
    name: hostname,
    namespace: origin.namespace,
    addresses: (spec.addresses ?? []).filter((address) => !address.includes("/")),
    ports,
    selector: undefined,
    exportTo: spec.exportTo === undefined || spec.exportTo.length === 0 ? defaultExportTo : spec.exportTo,
    resolution,
    external: spec.location !== "MESH_INTERNAL",
    headless: false,
    dnsTargets: resolution === "dns" ? dnsTargets(hostname, spec) : [],
    subjectAltNames: spec.subjectAltNames ?? [],
  }));
}

function resolutionOf({ resolution }: ServiceEntrySpec): Service["resolution"] {
  switch (resolution) {
    case "STATIC":
      return "static";
    case "DNS":
    case "DNS_ROUND_ROBIN":
    case "DYNAMIC_DNS":
      return "dns";
    default:
      return "none";
  }
}

function dnsTargets(hostname: string, spec: ServiceEntrySpec): Service["dnsTargets"] {
  const own = (spec.endpoints ?? []).flatMap(({ address, ports }) =>
    address === undefined ? [] : [{ address, ports: ports ?? {} }],
  );
  return own.length > 0 ? own : [{ address: hostname, ports: {} }];
}

/** Endpoints that a ServiceEntry of resolution STATIC lists. */
export function endpointsOf(spec: ServiceEntrySpec): readonly Endpoint[] {
  if (spec.resolution !== "STATIC") return [];
  return (spec.endpoints ?? []).flatMap(({ address, ports, labels, weight }) => {
    if (address === undefined) return [];
    const named = (spec.ports ?? []).map((port) => {
      const name = port.name ?? String(port.number);
      return [name, ports?.[name] ?? port.targetPort ?? port.number] as const;
    });
    return [
      { address, ports: Object.fromEntries(named), workload: undefined, labels: labels ?? {}, weight: weight || 1 },
    ];
  });
}
