import { createHash } from "node:crypto";
import type { Service } from "../model/snapshot.ts";

/** Istio's range for addresses that it allocates: 240.240.0.0/16. The first and the last are left out. */
const PREFIX = "240.240";
const SIZE = 2 ** 16 - 2;

/** The services of one ServiceEntry, and whether it lets the mesh give them addresses. */
export interface Allocation {
  readonly wanted: boolean;
  readonly services: readonly Service[];
}

/**
 * Gives services without an address one of the mesh's own, by which a proxy that has only an address tells them apart. It is made from
 * namespace and host, so that it is the same in every copy of the control plane and after every start; where two meet, the older keeps
 * it. Not for hosts with wildcards, nor where clients' own addresses are used (resolution NONE). Pure.
 * @param entries oldest first
 */
export function withAutoAddresses(entries: readonly Allocation[]): readonly Service[] {
  const taken = new Set<number>();
  return entries.flatMap(({ wanted, services }) =>
    services.map((service) => {
      const { hostname, addresses, ranges, resolution } = service;
      const has = addresses.length > 0 || ranges.length > 0;
      if (!wanted || has || resolution === "none" || hostname.startsWith("*") || taken.size >= SIZE) return service;
      let index = hash(`${service.namespace}/${hostname}`) % SIZE;
      while (taken.has(index)) index = (index + 1) % SIZE;
      taken.add(index);
      return { ...service, autoAddress: `${PREFIX}.${(index + 1) >> 8}.${(index + 1) & 255}` };
    }),
  );
}

const hash = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE(0);
