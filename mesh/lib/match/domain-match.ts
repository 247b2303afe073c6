/**
 * Finds the virtual host for an authority by Envoy's order: the exact domain, the longest `*suffix`, the longest `prefix*`, `*`.
 * Case does not matter.
 */
export class DomainMatcher<Target> {
  readonly #exact = new Map<string, Target>();
  readonly #suffixes = new Map<string, Target>();
  readonly #prefixes = new Map<string, Target>();
  #suffixLengths: readonly number[] = [];
  #prefixLengths: readonly number[] = [];
  #any: Target | undefined;

  /** Throws when the domain is there already: two virtual hosts cannot both have it. */
  add(domain: string, target: Target): void {
    const name = domain.toLowerCase();
    if (name === "*") {
      if (this.#any !== undefined) throw new Error('only one virtual host may have the domain "*"');
      this.#any = target;
    } else if (name.startsWith("*")) {
      put(this.#suffixes, name.slice(1), target);
      this.#suffixLengths = lengthsOf(this.#suffixes);
    } else if (name.endsWith("*")) {
      put(this.#prefixes, name.slice(0, -1), target);
      this.#prefixLengths = lengthsOf(this.#prefixes);
    } else put(this.#exact, name, target);
  }

  find(authority: string): Target | undefined {
    const name = authority.toLowerCase();
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (const length of this.#suffixLengths) {
      // Envoy's wildcard stands for at least one character.
      const target = length < name.length ? this.#suffixes.get(name.slice(-length)) : undefined;
      if (target !== undefined) return target;
    }
    for (const length of this.#prefixLengths) {
      const target = length < name.length ? this.#prefixes.get(name.slice(0, length)) : undefined;
      if (target !== undefined) return target;
    }
    return this.#any;
  }
}

function put<Target>(map: Map<string, Target>, name: string, target: Target): void {
  if (map.has(name)) throw new Error(`two virtual hosts have the domain "${name}"`);
  map.set(name, target);
}

function lengthsOf(map: ReadonlyMap<string, unknown>): readonly number[] {
  return [...new Set([...map.keys()].map((name) => name.length))].toSorted((a, b) => b - a);
}

/** The authority without its port, brackets of IPv6 addresses kept. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  if (colon < 0 || authority.indexOf("]", colon) >= 0) return authority;
  return authority.slice(0, colon);
}
