import type { ConfigProblem, Service } from "../model/snapshot.ts";

/** Services of ServiceEntries without what is Kubernetes' already, and what they wanted of it. */
export interface Unclaimed {
  readonly services: readonly Service[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * A ServiceEntry may not have the name or the cluster address of a Service of another namespace: whoever may write one would get
 * that one's calls. Addresses are taken from it; for names, the Service counts.
 */
export function withoutClaims(external: readonly Service[], owned: readonly Service[]): Unclaimed {
  const byAddress = new Map(
    owned.flatMap((service) => service.addresses.map((address) => [address, service] as const)),
  );
  const byName = new Map(owned.map((service) => [service.hostname, service]));
  const problems: ConfigProblem[] = [];
  const services = external.map((entry) => {
    const isOthers = (owner: Service | undefined): owner is Service =>
      owner !== undefined && owner.namespace !== entry.namespace;
    const tell = (what: string, owner: Service): void => {
      const message = `${what} belongs to Service ${owner.namespace}/${owner.name} and stays with it`;
      if (!problems.some((one) => one.message === message && one.object === entry.origin))
        problems.push({ object: entry.origin, message });
    };
    const namesake = byName.get(entry.hostname);
    if (isOthers(namesake)) tell(`host ${entry.hostname}`, namesake);
    const claimed = entry.addresses.filter((address) => isOthers(byAddress.get(address)));
    for (const address of claimed) tell(`address ${address}`, byAddress.get(address)!);
    return claimed.length === 0
      ? entry
      : { ...entry, addresses: entry.addresses.filter((address) => !claimed.includes(address)) };
  });
  return { services, problems };
}
