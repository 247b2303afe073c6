import { spiffeId } from "#api/names.ts";
import {
  type Address,
  NetworkMode,
  type Service,
  TunnelProtocol,
  type Workload,
} from "#gen/istio/istio/workload/workload.ts";
import type { ResourceChanges } from "#mesh/lib/xds/resource-type.ts";
import { addressText } from "./address-text.ts";

/** "namespace/hostname". */
export const keyOf = ({ namespace, hostname }: Pick<Service, "namespace" | "hostname">): string =>
  `${namespace}/${hostname}`;

export const identityOf = ({ namespace, serviceAccount, trustDomain }: Workload): string =>
  spiffeId(namespace, serviceAccount || "default", trustDomain || undefined);

/** Whether a workload is reached through HBONE. Pods on the node's network are nobody's to capture. */
export const takesTunnel = ({ tunnelProtocol, networkMode }: Workload): boolean =>
  tunnelProtocol === TunnelProtocol.HBONE && networkMode !== NetworkMode.HOST_NETWORK;

/** All workloads and services of the mesh, found by name and by address. */
export class AddressBook {
  readonly #workloads = new Map<string, Workload>();
  readonly #services = new Map<string, Service>();
  readonly #workloadsByAddress = new Map<string, Workload>();
  readonly #servicesByAddress = new Map<string, Service>();
  /** In several namespaces there may be services of one name. */
  readonly #servicesByHostname = new Map<string, readonly Service[]>();
  /** Workloads by the services that they are endpoints of. */
  readonly #endpoints = new Map<string, Set<Workload>>();

  apply({ changed, removed }: ResourceChanges<Address>): void {
    for (const name of removed) this.#remove(name);
    for (const { name, resource } of changed) {
      this.#remove(name);
      switch (resource.type?.$case) {
        case "workload":
          this.#addWorkload(name, resource.type.value);
          break;
        case "service":
          this.#addService(name, resource.type.value);
          break;
        case undefined:
          break;
      }
    }
  }

  get workloads(): Iterable<Workload> {
    return this.#workloads.values();
  }

  get services(): Iterable<Service> {
    return this.#services.values();
  }

  /** By unique id: cluster//Pod/namespace/name. */
  workload(uid: string): Workload | undefined {
    return this.#workloads.get(uid);
  }

  /** By "namespace/hostname". */
  service(key: string): Service | undefined {
    return this.#services.get(key);
  }

  workloadAt(address: string): Workload | undefined {
    return this.#workloadsByAddress.get(address);
  }

  serviceAt(address: string): Service | undefined {
    return this.#servicesByAddress.get(address);
  }

  /** By full name in lower case, or pattern such as "*.example.com". */
  servicesNamed(hostname: string): readonly Service[] {
    return this.#servicesByHostname.get(hostname) ?? [];
  }

  /** By "namespace/hostname". */
  endpoints(service: string): Iterable<Workload> {
    return this.#endpoints.get(service) ?? [];
  }

  /** The service by which a workload's port is most likely reached: the only one that leads there. */
  serviceOf(workload: Workload, port: number): Service | undefined {
    const leading = Object.entries(workload.services).filter(([, { ports }]) =>
      ports.some(({ targetPort }) => targetPort === port),
    );
    const [only] = leading;
    return leading.length === 1 && only !== undefined ? this.#services.get(only[0]) : undefined;
  }

  #addWorkload(name: string, workload: Workload): void {
    this.#workloads.set(name, workload);
    // Many share a node's address; none of them can be told by it.
    if (workload.networkMode !== NetworkMode.HOST_NETWORK)
      for (const address of workload.addresses) this.#claim(addressText(address), workload);
    for (const service of Object.keys(workload.services)) {
      const members = this.#endpoints.get(service) ?? new Set();
      this.#endpoints.set(service, members.add(workload));
    }
  }

  /** A pod is known better by itself than as somebody's endpoint. */
  #claim(address: string, workload: Workload): void {
    const known = this.#workloadsByAddress.get(address);
    if (known === undefined || isPod(workload) || !isPod(known)) this.#workloadsByAddress.set(address, workload);
  }

  #addService(name: string, service: Service): void {
    this.#services.set(name, service);
    const hostname = service.hostname.toLowerCase();
    this.#servicesByHostname.set(hostname, [...this.servicesNamed(hostname), service]);
    for (const { address } of service.addresses) this.#servicesByAddress.set(addressText(address), service);
  }

  #remove(name: string): void {
    const service = this.#services.get(name);
    if (service !== undefined) {
      this.#services.delete(name);
      const hostname = service.hostname.toLowerCase();
      const others = this.servicesNamed(hostname).filter((one) => one !== service);
      if (others.length === 0) this.#servicesByHostname.delete(hostname);
      else this.#servicesByHostname.set(hostname, others);
      for (const { address } of service.addresses) forget(this.#servicesByAddress, addressText(address), service);
    }
    const workload = this.#workloads.get(name);
    if (workload === undefined) return;
    this.#workloads.delete(name);
    for (const address of workload.addresses) forget(this.#workloadsByAddress, addressText(address), workload);
    for (const key of Object.keys(workload.services)) {
      const members = this.#endpoints.get(key);
      members?.delete(workload);
      if (members?.size === 0) this.#endpoints.delete(key);
    }
  }
}

/** An address may have gone to somebody else already. */
function forget<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.get(key) === value) map.delete(key);
}

const isPod = ({ uid }: Workload): boolean => uid.split("/")[2] === "Pod";
