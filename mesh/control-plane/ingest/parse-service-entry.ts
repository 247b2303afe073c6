import type { ServiceEntry, ServiceEntrySpec, WorkloadEntrySpec } from "../model/other-kinds.ts";
import { protocolOf } from "../model/protocol.ts";
import type { Config, DnsTarget, Endpoint, Origin, Service, Workload } from "../model/snapshot.ts";

/** The services that a ServiceEntry makes known: one for each of its hosts. */
export function servicesOf(origin: Origin, spec: ServiceEntry, defaultExportTo: readonly string[]): readonly Service[] {
  const resolution = resolutionOf(spec);
  const ports = (spec.ports ?? []).map((port) => ({
    name: portName(port),
    port: port.number,
    protocol: protocolOf({ port: port.number, appProtocol: port.protocol, name: port.name }),
    targetPort: port.targetPort ?? port.number,
  }));
  const addresses = spec.addresses ?? [];
  return spec.hosts.map((hostname) => ({
    origin,
    hostname,
    name: hostname,
    namespace: origin.namespace,
    labels: spec.labels,
    addresses: addresses.filter((address) => !address.includes("/")),
    ranges: addresses.filter((address) => address.includes("/")),
    ports,
    selector: undefined,
    exportTo: spec.exportTo === undefined || spec.exportTo.length === 0 ? defaultExportTo : spec.exportTo,
    resolution,
    external: spec.location !== "MESH_INTERNAL",
    headless: false,
    dnsTargets: resolution === "dns" || resolution === "dns-first" ? dnsTargets(hostname, spec) : [],
    subjectAltNames: spec.subjectAltNames ?? [],
    autoAddress: undefined,
    distribution: spec.distribution,
    publishesNotReady: false,
  }));
}

type EntryPort = NonNullable<ServiceEntrySpec["ports"]>[number];

const portName = (port: EntryPort): string => port.name ?? String(port.number);

function resolutionOf({ resolution }: ServiceEntrySpec): Service["resolution"] {
  switch (resolution) {
    case "STATIC":
      return "static";
    case "DNS":
    case "DYNAMIC_DNS":
      return "dns";
    case "DNS_ROUND_ROBIN":
      return "dns-first";
    case "NONE":
    case undefined:
      return "none";
  }
}

function dnsTargets(hostname: string, spec: ServiceEntrySpec): readonly DnsTarget[] {
  const own = (spec.endpoints ?? []).flatMap(({ address, ports = {}, labels = {}, weight }) =>
    address === undefined ? [] : [{ address, ports, labels, weight: weight || 1 }],
  );
  return own.length > 0 ? own : [{ address: hostname, ports: {}, labels: {}, weight: 1 }];
}

export interface Selectable {
  /** Pods that take traffic. */
  readonly pods: readonly Workload[];
  readonly workloadEntries: readonly Config<WorkloadEntrySpec>[];
}

/** Endpoints of a ServiceEntry of resolution STATIC: those that it lists, or the workloads that it selects in its namespace. */
export function endpointsOf(
  { origin, spec }: Config<ServiceEntry>,
  { pods, workloadEntries }: Selectable,
): readonly Endpoint[] {
  if (spec.resolution !== "STATIC") return [];
  const wanted = spec.workloadSelector?.labels;
  if (wanted === undefined) return (spec.endpoints ?? []).flatMap((entry) => endpointAt(entry, spec.ports ?? []));
  const selected = (labels: Readonly<Record<string, string>>): boolean =>
    Object.entries(wanted).every(([name, value]) => labels[name] === value);
  return [
    ...pods
      .filter((pod) => pod.namespace === origin.namespace && selected(pod.labels))
      .map((pod) => ({
        address: pod.address,
        ports: portsOf(spec.ports ?? [], {}),
        workload: pod,
        labels: pod.labels,
        weight: 1,
      })),
    ...workloadEntries
      .filter((entry) => entry.origin.namespace === origin.namespace && selected(entry.spec.labels ?? {}))
      .flatMap((entry) =>
        endpointAt(entry.spec, spec.ports ?? []).map((endpoint) => ({ ...endpoint, workload: workloadOf(entry) })),
      ),
  ];
}

function endpointAt(entry: WorkloadEntrySpec, ports: readonly EntryPort[]): readonly Endpoint[] {
  const { address, labels, weight } = entry;
  if (address === undefined) return [];
  const numbers = portsOf(ports, entry.ports ?? {});
  return [{ address, ports: numbers, workload: undefined, labels: labels ?? {}, weight: weight || 1 }];
}

/** A port of the service is found at the number that the entry gives for its name, else at its target port. */
const portsOf = (
  ports: readonly EntryPort[],
  own: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(ports.map((port) => [portName(port), own[portName(port)] ?? port.targetPort ?? port.number]));

/** A WorkloadEntry is shown and trusted like a pod: its labels name it, its service account is who it must be. */
function workloadOf({ origin, spec }: Config<WorkloadEntrySpec>): Workload {
  const labels = spec.labels ?? {};
  const name = labels["app.kubernetes.io/name"] ?? labels.app ?? origin.name;
  return {
    name: origin.name,
    namespace: origin.namespace,
    address: spec.address ?? "",
    labels,
    serviceAccount: spec.serviceAccount ?? "default",
    workloadName: origin.name,
    canonicalName: labels["service.istio.io/canonical-name"] ?? name,
    canonicalRevision: labels["service.istio.io/canonical-revision"] ?? labels.version ?? "latest",
    tlsMode: labels["security.istio.io/tlsMode"] === "istio" ? "istio" : "disabled",
    ports: {},
    node: "",
    hostNetwork: false,
    captured: false,
    takesHbone: labels["networking.istio.io/tunnel"] === "http",
  };
}

/** What a Kubernetes Service gets from the WorkloadEntries that its selector fits. */
export function selectedEntries(service: Service, { workloadEntries }: Selectable): readonly Endpoint[] {
  const { selector } = service;
  if (selector === undefined) return [];
  return workloadEntries
    .filter(
      ({ origin, spec }) =>
        origin.namespace === service.namespace &&
        Object.entries(selector).every(([name, value]) => spec.labels?.[name] === value),
    )
    .flatMap((entry) => {
      const { address, labels = {}, weight, ports: own = {} } = entry.spec;
      if (address === undefined) return [];
      const ports = service.ports.map(({ name, port, targetPort }) => [
        name,
        own[name] ?? (typeof targetPort === "number" ? targetPort : port),
      ]);
      const numbers: Readonly<Record<string, number>> = Object.fromEntries(ports);
      return [{ address, ports: numbers, workload: workloadOf(entry), labels, weight: weight || 1 }];
    });
}
