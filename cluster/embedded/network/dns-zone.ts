import { type EndpointSlice, groupSlices, type Service, serviceKey } from "./service-model.ts";

/** One answer of the cluster's zone. */
export type DnsRecord =
  | { readonly type: "A"; readonly name: string; readonly data: string }
  | { readonly type: "CNAME"; readonly name: string; readonly data: string }
  | { readonly type: "PTR"; readonly name: string; readonly data: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly data: {
        readonly target: string;
        readonly port: number;
        readonly priority: number;
        readonly weight: number;
      };
    };

/** All names of the cluster's domain, lower case without the last dot. Source: the Kubernetes DNS-Based Service Discovery specification, 1.1.0. */
export interface DnsZone {
  readonly domain: string;
  readonly records: ReadonlyMap<string, readonly DnsRecord[]>;
  /** Names that exist only because something lies below them: they have no records, but are no errors either. */
  readonly parents: ReadonlySet<string>;
}

export function buildZone(domain: string, services: Iterable<Service>, slices: Iterable<EndpointSlice>): DnsZone {
  const records = new Map<string, DnsRecord[]>();
  const add = (record: DnsRecord): void => {
    const known = records.get(record.name);
    if (known === undefined) records.set(record.name, [record]);
    else known.push(record);
  };
  const bySlices = groupSlices(slices);
  for (const service of services) {
    addService(service, { domain, slices: bySlices.get(serviceKey(service)) ?? [], add });
  }
  return { domain, records, parents: parentsOf(records.keys()) };
}

interface Context {
  readonly domain: string;
  readonly slices: readonly EndpointSlice[];
  readonly add: (record: DnsRecord) => void;
}

function addService(service: Service, context: Context): void {
  const { name = "", namespace = "default" } = service.metadata;
  const full = `${name}.${namespace}.svc.${context.domain}`;
  const { spec } = service;
  if (spec?.type === "ExternalName") {
    if (spec.externalName !== undefined)
      context.add({ type: "CNAME", name: full, data: spec.externalName.replace(/\.$/, "").toLowerCase() });
    return;
  }
  if (spec?.clusterIP === "None") return addHeadless(service, full, context);
  const address = spec?.clusterIP;
  if (address === undefined || address === "") return;
  context.add({ type: "A", name: full, data: address });
  context.add({ type: "PTR", name: reverseName(address), data: full });
  for (const port of spec?.ports ?? [])
    addSrv({ owner: full, target: full, port: port.port, name: port.name, protocol: port.protocol }, context);
}

function addHeadless(service: Service, full: string, context: Context): void {
  const all = service.spec?.publishNotReadyAddresses === true;
  const seen = new Set<string>();
  for (const slice of context.slices) {
    for (const endpoint of slice.endpoints ?? []) {
      if (!all && endpoint.conditions?.ready === false) continue;
      for (const address of endpoint.addresses) {
        const host = `${endpoint.hostname ?? address.replaceAll(".", "-")}.${full}`;
        for (const port of slice.ports ?? []) {
          if (port.port !== undefined)
            addSrv({ owner: full, target: host, port: port.port, name: port.name, protocol: port.protocol }, context);
        }
        if (seen.has(address)) continue;
        seen.add(address);
        context.add({ type: "A", name: full, data: address });
        context.add({ type: "A", name: host, data: address });
        if (endpoint.hostname !== undefined) context.add({ type: "PTR", name: reverseName(address), data: host });
      }
    }
  }
}

interface SrvSource {
  readonly owner: string;
  readonly target: string;
  readonly port: number;
  readonly name: string | undefined;
  readonly protocol: string | undefined;
}

function addSrv(source: SrvSource, context: Context): void {
  if (source.name === undefined || source.name === "") return;
  const name = `_${source.name}._${(source.protocol ?? "TCP").toLowerCase()}.${source.owner}`;
  context.add({ type: "SRV", name, data: { target: source.target, port: source.port, priority: 0, weight: 100 } });
}

function parentsOf(names: Iterable<string>): ReadonlySet<string> {
  const parents = new Set<string>();
  for (const name of names) {
    for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) parents.add(name.slice(dot + 1));
  }
  return parents;
}

/** 10.96.0.1 as 1.0.96.10.in-addr.arpa. */
function reverseName(address: string): string {
  return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
}
