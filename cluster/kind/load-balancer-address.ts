import { createHash } from "node:crypto";

/** Addresses at the end of a network, where engines come last when they give theirs to containers. */
export interface AddressPool {
  has(address: string): boolean;
  /** One that is not taken; undefined if all are. Where it begins to look depends on `seed`, so that clusters seldom meet. */
  choose(taken: ReadonlySet<string>, seed: string): string | undefined;
}

const SIZE = 254;

/** @param subnet IPv4, such as "172.18.0.0/16"; undefined is returned for others and for those that are too small */
export function addressPool(subnet: string): AddressPool | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet);
  if (match === null) return undefined;
  const [a, b, c, d, length] = match.slice(1).map(Number) as [number, number, number, number, number];
  const hosts = 2 ** (32 - length);
  if (length < 8 || hosts < 16) return undefined;
  const first = Math.floor((((a * 256 + b) * 256 + c) * 256 + d) / hosts) * hosts;
  const size = Math.min(SIZE, hosts / 2);
  // The very last one is the network's broadcast address.
  const addresses = Array.from({ length: size }, (_, index) => textOf(first + hosts - 1 - size + index));
  const known = new Set(addresses);
  return {
    has: (address) => known.has(address),
    choose: (taken, seed) => {
      const start = createHash("sha256").update(seed).digest().readUInt32BE(0) % size;
      const order = [...addresses.slice(start), ...addresses.slice(0, start)];
      return order.find((address) => !taken.has(address));
    },
  };
}

const textOf = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
