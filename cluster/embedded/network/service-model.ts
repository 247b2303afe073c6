import type { IEndpointSlice } from "kubernetes-models/discovery.k8s.io/v1/EndpointSlice";
import type { IService } from "kubernetes-models/v1/Service";
import type { KubeObject } from "#api/kinds/object.ts";

export type Service = IService & KubeObject;
export type EndpointSlice = IEndpointSlice & KubeObject;

/** One port of a service with everything that routing needs to know. */
export interface ServicePort {
  readonly namespace: string;
  readonly service: string;
  readonly portName: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  readonly clusterIps: readonly string[];
  readonly nodePort: number | undefined;
  /** Load-balancer addresses and external IPs. */
  readonly externalIps: readonly string[];
  /** Ready endpoints; when there is none, those that still serve while they end. */
  readonly endpoints: readonly Endpoint[];
  /** Seconds for which a client keeps its endpoint; undefined without affinity. */
  readonly affinitySeconds: number | undefined;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** Whether a service has an address of its own to route. */
function isRouted(service: Service): boolean {
  const address = service.spec?.clusterIP;
  return service.spec?.type !== "ExternalName" && address !== undefined && address !== "" && address !== "None";
}

/** Joins services with their endpoint slices. Sorted, so that equal input gives equal rules. Pure. */
export function servicePorts(services: Iterable<Service>, slices: Iterable<EndpointSlice>): readonly ServicePort[] {
  const byService = groupSlices(slices);
  const result: ServicePort[] = [];
  for (const service of services) {
    if (!isRouted(service)) continue;
    const key = serviceKey(service);
    for (const port of service.spec?.ports ?? []) result.push(joinPort(service, port, byService.get(key) ?? []));
  }
  return result.sort((left, right) => compare(sortKey(left), sortKey(right)));
}

export const serviceKey = (object: KubeObject): string =>
  `${object.metadata.namespace ?? "default"}/${object.metadata.name ?? ""}`;

/** Slices by the service that they belong to. */
export function groupSlices(slices: Iterable<EndpointSlice>): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined || slice.addressType !== "IPv4") continue;
    const key = `${slice.metadata.namespace ?? "default"}/${name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

type SpecPort = NonNullable<NonNullable<IService["spec"]>["ports"]>[number];

function joinPort(service: Service, port: SpecPort, slices: readonly EndpointSlice[]): ServicePort {
  const spec = service.spec ?? {};
  const ingress = (service.status?.loadBalancer?.ingress ?? []).flatMap((one) =>
    one.ip === undefined ? [] : [one.ip],
  );
  return {
    namespace: service.metadata.namespace ?? "default",
    service: service.metadata.name ?? "",
    portName: port.name ?? "",
    protocol: protocolOf(port.protocol),
    port: port.port,
    clusterIps: (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter((address) => address.includes(".")),
    nodePort: port.nodePort === 0 ? undefined : port.nodePort,
    externalIps: [...ingress, ...(spec.externalIPs ?? [])].filter((address) => address.includes(".")),
    endpoints: endpointsOf(slices, port.name ?? ""),
    affinitySeconds:
      spec.sessionAffinity === "ClientIP"
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
        : undefined,
  };
}

function protocolOf(protocol: string | undefined): ServicePort["protocol"] {
  return protocol === "UDP" ? "udp" : protocol === "SCTP" ? "sctp" : "tcp";
}

function endpointsOf(slices: readonly EndpointSlice[], portName: string): readonly Endpoint[] {
  const ready = new Map<string, Endpoint>();
  const serving = new Map<string, Endpoint>();
  for (const slice of slices) {
    for (const { name, port } of slice.ports ?? []) {
      if ((name ?? "") !== portName || port === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const isReady = endpoint.conditions?.ready !== false;
        const isServing = endpoint.conditions?.serving !== false && endpoint.conditions?.terminating === true;
        const target = isReady ? ready : isServing ? serving : undefined;
        for (const address of endpoint.addresses) target?.set(`${address}:${port}`, { address, port });
      }
    }
  }
  const chosen = ready.size > 0 ? ready : serving;
  return [...chosen.entries()].sort(([left], [right]) => compare(left, right)).map(([, endpoint]) => endpoint);
}

const sortKey = (port: ServicePort): string => `${port.namespace}/${port.service}:${port.portName}/${port.protocol}`;
const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
