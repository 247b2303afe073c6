import { isDeepStrictEqual } from "node:util";
import type { ServiceEntry, WorkloadEntrySpec } from "../model/other-kinds.ts";
import type { Config, Endpoint, Service, Snapshot, Workload } from "../model/snapshot.ts";
import type { Slice } from "./parse-core.ts";
import { endpointsOf, selectedEntries } from "./parse-service-entry.ts";

export interface JoinInput {
  readonly slices: readonly Slice[];
  readonly pods: ReadonlyMap<string, Workload>;
  /** Whether a pod takes traffic; for ServiceEntries, since slices tell it of Services' pods. */
  readonly readiness: ReadonlyMap<string, boolean>;
  readonly entries: readonly Config<ServiceEntry>[];
  readonly workloadEntries: readonly Config<WorkloadEntrySpec>[];
  /** Services of Kubernetes. */
  readonly services: Iterable<Service>;
  readonly domain: string;
}

/** Endpoints by host name, with what their pods tell about them. A list equal to the one before is the one before. */
export function joinEndpoints(input: JoinInput, before: Snapshot["endpoints"]): Snapshot["endpoints"] {
  const byHost = new Map<string, Endpoint[]>();
  const add = (host: string, endpoints: readonly Endpoint[]) => {
    const list = byHost.get(host);
    if (list === undefined) byHost.set(host, [...endpoints]);
    else list.push(...endpoints);
  };
  for (const slice of input.slices) {
    const host = `${slice.service}.${slice.namespace}.svc.${input.domain}`;
    add(
      host,
      slice.endpoints.map(({ address, pod }) =>
        endpointOf(slice, address, pod === undefined ? undefined : input.pods.get(pod)),
      ),
    );
  }
  const ready = [...input.pods].flatMap(([name, pod]) => (input.readiness.get(name) === true ? [pod] : []));
  const selectable = { pods: ready, workloadEntries: input.workloadEntries };
  for (const entry of input.entries) {
    const endpoints = endpointsOf(entry, selectable);
    for (const host of entry.spec.hosts) add(host, endpoints);
  }
  if (input.workloadEntries.length > 0)
    for (const service of input.services) add(service.hostname, selectedEntries(service, selectable));
  return new Map([...byHost].map(([host, endpoints]) => [host, keepIfEqual(before.get(host), sortUnique(endpoints))]));
}

const noLabels: Readonly<Record<string, string>> = {};

const endpointOf = (slice: Slice, address: string, workload: Workload | undefined): Endpoint => ({
  address,
  ports: slice.ports,
  workload,
  labels: workload?.labels ?? noLabels,
  weight: 1,
});

/** While slices are being rewritten, an address can be in two of them. */
function sortUnique(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const keyed = endpoints.map(
    (endpoint) => [`${endpoint.address} ${JSON.stringify(endpoint.ports)}`, endpoint] as const,
  );
  const unique = [...new Map(keyed)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return unique.map(([, endpoint]) => endpoint);
}

const keepIfEqual = (before: readonly Endpoint[] | undefined, after: readonly Endpoint[]): readonly Endpoint[] =>
  before !== undefined && isDeepStrictEqual(before, after) ? before : after;
