/** IPv4 address arithmetic and the pools that pods and load balancers get their addresses from. */

export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const octet = /^\d{1,3}$/.test(part) ? Number(part) : 256;
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

export interface Range {
  readonly first: number;
  readonly size: number;
  readonly prefix: number;
}

/** Parses `a.b.c.d/n`. Throws on anything else: ranges come from our own configuration. */
export function parseRange(cidr: string): Range {
  const [address = "", length = ""] = cidr.split("/");
  const first = parseAddress(address);
  const prefix = Number(length);
  if (first === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > 32)
    throw new RangeError(`not an IPv4 range: ${cidr}`);
  const size = 2 ** (32 - prefix);
  return { first: first - (first % size), size, prefix };
}

/** The range of one node: a /24 of the pod range (or the whole when it is smaller). */
export function nodeRange(podCidr: string, index: number): string {
  const whole = parseRange(podCidr);
  if (whole.prefix >= 24) return podCidr;
  if ((index + 1) * 256 > whole.size) throw new RangeError(`${podCidr} has no room for ${index + 1} nodes`);
  return `${formatAddress(whole.first + index * 256)}/24`;
}

/** Addresses of a range that are given out and taken back. The first, second and last are never given out. */
export class AddressPool {
  readonly #range: Range;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(cidr: string) {
    this.#range = parseRange(cidr);
    this.#next = 2;
  }

  /** The wanted address when it is free and in the range, else the next free one; undefined when none is left. */
  take(wanted?: string): string | undefined {
    const value = wanted === undefined ? undefined : parseAddress(wanted);
    if (value !== undefined && this.#usable(value - this.#range.first) && !this.#taken.has(value)) {
      this.#taken.add(value);
      return formatAddress(value);
    }
    // Round robin, so that an address is not given to another pod while clients may still hold connections to the old one.
    for (let tries = 0; tries < this.#range.size; tries++) {
      const offset = this.#next;
      this.#next = offset + 1 >= this.#range.size - 1 ? 2 : offset + 1;
      const candidate = this.#range.first + offset;
      if (!this.#usable(offset) || this.#taken.has(candidate)) continue;
      this.#taken.add(candidate);
      return formatAddress(candidate);
    }
    return undefined;
  }

  /** Keeps an address from being given out to anyone who does not ask for it. */
  release(address: string): void {
    const value = parseAddress(address);
    if (value !== undefined) this.#taken.delete(value);
  }

  #usable(offset: number): boolean {
    return offset >= 2 && offset < this.#range.size - 1;
  }
}
