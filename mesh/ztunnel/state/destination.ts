import {
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
  /** Through HBONE, to whoever proves one of the identities. */
  | ({
      readonly kind: "tunnel";
      readonly workload: Workload;
      readonly service: Service | undefined;
      readonly identities: readonly string[];
    } & Endpoint)
  | { readonly kind: "none"; readonly service: Service; readonly reason: string };

export interface Caller {
  /** Undefined while the control plane has not told about the pod. */
  readonly workload: Workload | undefined;
  /** Between 0 and 1; chooses among equals. */
  readonly random: () => number;
}

/** Looks up who is meant by an address that a pod dialled: first services, then workloads. Pure but for `random`. */
export function findDestination(book: AddressBook, dialled: Endpoint, caller: Caller): Destination {
  const service = book.serviceAt(dialled.address);
  if (service === undefined) {
    const workload = book.workloadAt(dialled.address);
    if (workload === undefined) return { kind: "passthrough", ...dialled };
    return reach(workload, { port: dialled.port, service: book.serviceOf(workload, dialled.port), caller });
  }
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
  return { kind: "tunnel", ...target, identities: [identityOf(workload), ...(service?.subjectAltNames ?? [])] };
}

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
  const near = nearest(candidates, service, caller.workload);
  return near[Math.floor(caller.random() * near.length)];
}

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
