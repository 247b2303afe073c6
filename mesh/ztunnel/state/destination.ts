import { ports } from "#api/names.ts";
import {
  type GatewayAddress,
  LoadBalancing_HealthPolicy,
  LoadBalancing_Mode,
  LoadBalancing_Scope,
  type Service,
  type Workload,
  WorkloadStatus,
} from "#gen/istio/istio/workload/workload.ts";
import { type AddressBook, identityOf, keyOf, takesTunnel } from "./address-book.ts";
import { addressText } from "./address-text.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Where a connection of a pod goes. */
export type Destination =
  /** To somebody the mesh does not know, as it was dialled. */
  | ({ readonly kind: "passthrough" } & Endpoint)
  | ({ readonly kind: "plain"; readonly workload: Workload; readonly service: Service | undefined } & Endpoint)
  /** Through HBONE, to whoever proves one of the identities: the workload that is meant, or the waypoint before it. */
  | ({
      readonly kind: "tunnel";
      readonly workload: Workload;
      readonly service: Service | undefined;
      readonly identities: readonly string[];
      /** Where the tunnel ends; what is asked for there is the destination. */
      readonly end: Endpoint;
    } & Endpoint)
  | { readonly kind: "none"; readonly service: Service | undefined; readonly reason: string };

export interface Caller {
  /** Undefined while the control plane has not told about the pod. */
  readonly workload: Workload | undefined;
  /** Between 0 and 1; chooses among equals. */
  readonly random: () => number;
  /** Addresses that did not answer just now: others are taken while there are any. */
  readonly avoid?: ReadonlySet<string>;
}

/** Looks up who is meant by an address that a pod dialled: first services, then workloads. Pure but for `random`. */
export function findDestination(book: AddressBook, dialled: Endpoint, caller: Caller): Destination {
  const service = book.serviceAt(dialled.address);
  if (service === undefined) {
    const workload = book.workloadAt(dialled.address);
    if (workload === undefined) return { kind: "passthrough", ...dialled };
    const known = book.serviceOf(workload, dialled.port);
    const before = waypointBefore(book, workload, { dialled, service: known, caller });
    return before ?? reach(workload, { port: dialled.port, service: known, caller });
  }
  const before = waypointBefore(book, service, { dialled, service, caller });
  if (before !== undefined) return before;
  // Clients choose the address themselves.
  if (service.loadBalancing?.mode === LoadBalancing_Mode.PASSTHROUGH) return { kind: "passthrough", ...dialled };
  const found = chooseEndpoint(book, service, { port: dialled.port, caller });
  if (found !== undefined) return reach(found.workload, { port: found.port, service, caller });
  return {
    kind: "none",
    service,
    reason: `no healthy upstream: ${keyOf(service)} has no endpoint for port ${dialled.port}`,
  };
}

function reach(
  workload: Workload,
  { port, service, caller }: { port: number; service: Service | undefined; caller: Caller },
): Destination {
  const [first] = workload.addresses;
  // Who has no address is reached by a name.
  const address = first === undefined ? workload.hostname : addressText(first);
  const target = { address, port, workload, service };
  // A pod that calls itself stays inside its own network.
  if (!takesTunnel(workload) || workload.uid === caller.workload?.uid) return { kind: "plain", ...target };
  return {
    kind: "tunnel",
    ...target,
    identities: [identityOf(workload), ...(service?.subjectAltNames ?? [])],
    end: { address, port: ports.hbone },
  };
}

interface Call {
  readonly dialled: Endpoint;
  readonly service: Service | undefined;
  readonly caller: Caller;
}

/**
 * The waypoint that has to be passed on the way, where there is one: who is meant stays what was dialled, the waypoint finds the
 * endpoint. What a waypoint itself sends, and what is meant for it, does not go through it again. Source: Istio's ztunnel.
 */
function waypointBefore(
  book: AddressBook,
  { waypoint }: Pick<Service | Workload, "waypoint">,
  { dialled, service, caller }: Call,
): Destination | undefined {
  if (waypoint === undefined) return undefined;
  const found = waypointAt(book, waypoint);
  const own = found.service;
  if (own !== undefined && (own === service || isMember(own, caller.workload))) return undefined;
  const meant = book.workloadAt(dialled.address);
  if (meant !== undefined && (meant === found.workload || (own !== undefined && isMember(own, meant))))
    return undefined;
  const port = waypoint.hboneMtlsPort || ports.hbone;
  const endpoint =
    own === undefined
      ? found.workload && { workload: found.workload, port }
      : chooseEndpoint(book, own, { port, caller });
  // To go round a waypoint would be to go round its policies.
  if (endpoint === undefined)
    return { kind: "none", service, reason: `no healthy upstream: waypoint ${found.name} has no endpoint` };
  const { workload } = endpoint;
  const [first] = workload.addresses;
  return {
    kind: "tunnel",
    ...dialled,
    workload,
    service,
    identities: [identityOf(workload), ...(own?.subjectAltNames ?? [])],
    end: { address: first === undefined ? workload.hostname : addressText(first), port: endpoint.port },
  };
}

function waypointAt(
  book: AddressBook,
  { destination }: GatewayAddress,
): { readonly name: string; readonly service: Service | undefined; readonly workload: Workload | undefined } {
  if (destination?.$case === "hostname") {
    const name = keyOf(destination.value);
    return { name, service: book.service(name), workload: undefined };
  }
  const name = destination === undefined ? "" : addressText(destination.value.address);
  return { name, service: book.serviceAt(name), workload: book.workloadAt(name) };
}

const isMember = (service: Service, workload: Workload | undefined): boolean =>
  workload?.services[keyOf(service)] !== undefined;

interface Candidate {
  readonly workload: Workload;
  readonly port: number;
}

/** One endpoint by chance among the best that there are: ready, and as near as the service wants them. */
export function chooseEndpoint(
  book: AddressBook,
  service: Service,
  { port, caller }: { port: number; caller: Caller },
): Candidate | undefined {
  const balancing = service.loadBalancing;
  const anyHealth = balancing?.healthPolicy === LoadBalancing_HealthPolicy.ALLOW_ALL;
  const candidates: Candidate[] = [];
  const key = keyOf(service);
  for (const workload of book.endpoints(key)) {
    if (!anyHealth && workload.status === WorkloadStatus.UNHEALTHY) continue;
    const targetPort = targetOf(service, workload, port);
    if (targetPort !== undefined) candidates.push({ workload, port: targetPort });
  }
  const others = candidates.filter(({ workload }) => !isAvoided(workload, caller));
  const near = nearest(others.length === 0 ? candidates : others, service, caller.workload);
  return near[Math.floor(caller.random() * near.length)];
}

const isAvoided = ({ addresses }: Workload, { avoid }: Caller): boolean =>
  avoid !== undefined && avoid.size > 0 && addresses.some((address) => avoid.has(addressText(address)));

function targetOf(service: Service, workload: Workload, port: number): number | undefined {
  const own = workload.services[keyOf(service)]?.ports.find(({ servicePort }) => servicePort === port)?.targetPort;
  if (own !== undefined && own > 0) return own;
  const common = service.ports.find(({ servicePort }) => servicePort === port)?.targetPort;
  return common !== undefined && common > 0 ? common : undefined;
}

function nearest(
  candidates: readonly Candidate[],
  { loadBalancing }: Service,
  caller: Workload | undefined,
): readonly Candidate[] {
  const preference = loadBalancing?.routingPreference ?? [];
  if (caller === undefined || preference.length === 0) return candidates;
  switch (loadBalancing?.mode) {
    case LoadBalancing_Mode.STRICT:
      return candidates.filter(({ workload }) => nearness(workload, caller, preference) === preference.length);
    case LoadBalancing_Mode.FAILOVER: {
      const best = Math.max(...candidates.map(({ workload }) => nearness(workload, caller, preference)));
      return candidates.filter(({ workload }) => nearness(workload, caller, preference) === best);
    }
    default:
      return candidates;
  }
}

/** How many of the scopes, in their order, two workloads share. */
function nearness(a: Workload, b: Workload, scopes: readonly LoadBalancing_Scope[]): number {
  const different = scopes.findIndex((scope) => !shares(scope, a, b));
  return different === -1 ? scopes.length : different;
}

function shares(scope: LoadBalancing_Scope, a: Workload, b: Workload): boolean {
  switch (scope) {
    case LoadBalancing_Scope.REGION:
      return a.locality?.region === b.locality?.region;
    case LoadBalancing_Scope.ZONE:
      return a.locality?.zone === b.locality?.zone;
    case LoadBalancing_Scope.SUBZONE:
      return a.locality?.subzone === b.locality?.subzone;
    case LoadBalancing_Scope.NODE:
      return a.node === b.node;
    case LoadBalancing_Scope.CLUSTER:
      return a.clusterId === b.clusterId;
    case LoadBalancing_Scope.NETWORK:
      return a.network === b.network;
    default:
      return true;
  }
}
