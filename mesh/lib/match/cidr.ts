import { BlockList, isIPv6 } from "node:net";
import type { CidrRange } from "#gen/xds/envoy/config/core/v3/address.ts";

export interface Cidr {
  readonly prefixLength: number;
  contains(address: string): boolean;
}

/** Compiles one range; a missing length means the whole address. */
export function compileCidr(range: CidrRange): Cidr {
  const family = isIPv6(range.addressPrefix) ? "ipv6" : "ipv4";
  const prefixLength = range.prefixLen ?? 0;
  const list = new BlockList();
  list.addSubnet(range.addressPrefix, prefixLength, family);
  return {
    prefixLength,
    contains: (address) => list.check(plainAddress(address), isIPv6(plainAddress(address)) ? "ipv6" : "ipv4"),
  };
}

/** Without the `::ffff:` that a dual-stack socket puts before IPv4 addresses. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
