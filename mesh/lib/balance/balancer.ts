/** What a balancer needs to know of a host. */
export interface Balanced {
  readonly weight: number;
  readonly activeRequests: number;
  /** Identifies the host for hashing, such as 10.0.0.1:80. */
  readonly address: string;
}

export type Policy = "round_robin" | "least_request" | "random" | "ring_hash" | "maglev";

/** Chooses among the hosts of one priority that may be used now. A new one is made when these change. */
export interface Balancer<Host extends Balanced> {
  /** Undefined only without hosts. `hash` is the request's, for the hashing policies. */
  pick(hash: number | undefined): Host | undefined;
}

export interface BalancerOptions {
  readonly random: () => number;
  /** Least request: how many to compare. */
  readonly choices: number;
  readonly ringSize: number;
}

/** Makes the balancer of a policy. */
export function createBalancer<Host extends Balanced>(
  policy: Policy,
  hosts: readonly Host[],
  options: BalancerOptions,
): Balancer<Host> {
  if (hosts.length === 0) return { pick: () => undefined };
  if (hosts.length === 1) return { pick: () => hosts[0] };
  switch (policy) {
    case "round_robin":
      return roundRobin(hosts, options.random);
    case "least_request":
      return leastRequest(hosts, options);
    case "random":
      return weightedRandom(hosts, options.random);
    case "ring_hash":
      return ringHash(hosts, options);
    case "maglev":
      return maglev(hosts, options);
  }
}

function sameWeights(hosts: readonly Balanced[]): boolean {
  return hosts.every((host) => host.weight === hosts[0]?.weight);
}

/** Smooth weighted round robin; with equal weights a plain cycle from a random start. */
function roundRobin<Host extends Balanced>(hosts: readonly Host[], random: () => number): Balancer<Host> {
  if (sameWeights(hosts)) {
    let next = Math.floor(random() * hosts.length);
    return {
      pick: () => {
        next = next + 1 < hosts.length ? next + 1 : 0;
        return hosts[next];
      },
    };
  }
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  const current = new Float64Array(hosts.length);
  return {
    pick: () => {
      let best = 0;
      for (const [index, host] of hosts.entries()) {
        current[index] = (current[index] ?? 0) + host.weight;
        if ((current[index] ?? 0) > (current[best] ?? 0)) best = index;
      }
      current[best] = (current[best] ?? 0) - total;
      return hosts[best];
    },
  };
}

/** The least loaded of a few random ones; with unequal weights load counts against weight. */
function leastRequest<Host extends Balanced>(hosts: readonly Host[], options: BalancerOptions): Balancer<Host> {
  const { random, choices } = options;
  const any = sameWeights(hosts) ? undefined : weightedRandom(hosts, random);
  const one = (): Host | undefined =>
    any === undefined ? hosts[Math.floor(random() * hosts.length)] : any.pick(undefined);
  return {
    pick: () => {
      let best = one();
      for (let choice = 1; choice < choices; choice += 1) {
        const other = one();
        if (other !== undefined && best !== undefined && other.activeRequests < best.activeRequests) best = other;
      }
      return best;
    },
  };
}

function weightedRandom<Host extends Balanced>(hosts: readonly Host[], random: () => number): Balancer<Host> {
  if (sameWeights(hosts)) return { pick: () => hosts[Math.floor(random() * hosts.length)] };
  const sums: number[] = [];
  let total = 0;
  for (const host of hosts) {
    total += host.weight;
    sums.push(total);
  }
  return { pick: () => hosts[firstAbove(sums, random() * total)] };
}

/** The first index whose value is above the wanted one; the last when there is none. */
function firstAbove(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

function ringHash<Host extends Balanced>(hosts: readonly Host[], options: BalancerOptions): Balancer<Host> {
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  const points = hosts.flatMap((host) => {
    const copies = Math.max(1, Math.round((host.weight / total) * options.ringSize));
    return Array.from({ length: copies }, (_none, copy) => ({ at: hashText(`${host.address}_${copy}`), host }));
  });
  points.sort((a, b) => a.at - b.at);
  const keys = points.map((point) => point.at);
  return {
    pick: (hash) => {
      const wanted = hash ?? Math.floor(options.random() * 0x1_0000_0000);
      const index = wanted >= (keys.at(-1) ?? 0) ? 0 : firstAbove(keys, wanted);
      return points[index]?.host;
    },
  };
}

/** Maglev's lookup table (Eisenbud and others, NSDI 2016), filled in turns by each host's own permutation. */
function maglev<Host extends Balanced>(hosts: readonly Host[], options: BalancerOptions): Balancer<Host> {
  const size = 65_537;
  const table = new Int32Array(size).fill(-1);
  const heaviest = Math.max(...hosts.map((host) => host.weight));
  const walks = hosts.map((host) => ({
    offset: hashText(host.address) % size,
    skip: (hashText(`${host.address}#skip`) % (size - 1)) + 1,
    next: 0,
    share: host.weight / heaviest,
    credit: 0,
  }));
  let filled = 0;
  while (filled < size) {
    for (const [index, walk] of walks.entries()) {
      walk.credit += walk.share;
      if (walk.credit < 1) continue;
      walk.credit -= 1;
      let slot = (walk.offset + walk.next * walk.skip) % size;
      while (table[slot] !== -1) {
        walk.next += 1;
        slot = (walk.offset + walk.next * walk.skip) % size;
      }
      table[slot] = index;
      walk.next += 1;
      filled += 1;
      if (filled === size) break;
    }
  }
  return { pick: (hash) => hosts[table[(hash ?? Math.floor(options.random() * 0x1_0000_0000)) % size] ?? 0] };
}

/** FNV-1a with a final mix, 32 bits, unsigned. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
