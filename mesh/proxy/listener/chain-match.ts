import type { FilterChainMatch } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { type Cidr, compileCidr } from "../../lib/match/cidr.ts";
import { type ConnectionFacts, isLoopback } from "./connection-facts.ts";

/** One filter chain's conditions with what it leads to. */
export interface MatchedChain<Chain> {
  readonly match: FilterChainMatch | undefined;
  readonly chain: Chain;
}

interface Candidate<Chain> {
  readonly chain: Chain;
  readonly port: number;
  readonly ranges: readonly Cidr[];
  readonly names: readonly string[];
  readonly transport: string;
  readonly protocols: readonly string[];
  readonly sourceType: number;
  readonly directRanges: readonly Cidr[];
  readonly sourceRanges: readonly Cidr[];
  readonly sourcePorts: readonly number[];
}

/** How well a chain fits in one respect: 0 says nothing about it, above is more specific, below does not fit. */
type Score<Chain> = (candidate: Candidate<Chain>, facts: ConnectionFacts) => number;

/**
 * Chooses a filter chain as Envoy does: one respect after the other, and each keeps only the most specific chains that fit. There
 * is no way back: chains that lost on the port are not looked at again because of the server name.
 */
export function compileChainMatcher<Chain>(
  chains: readonly MatchedChain<Chain>[],
  fallback: Chain | undefined,
): (facts: ConnectionFacts) => Chain | undefined {
  const all = chains.map(compileCandidate);
  const steps: readonly Score<Chain>[] = [
    (one, facts) => (one.port === 0 ? 0 : one.port === facts.destinationPort ? 1 : -1),
    (one, facts) => rangeScore(one.ranges, facts.destinationAddress),
    (one, facts) => nameScore(one.names, facts.serverName),
    (one, facts) => (one.transport === "" ? 0 : one.transport === facts.transportProtocol ? 1 : -1),
    (one, facts) => protocolScore(one.protocols, facts.applicationProtocols),
    (one, facts) => rangeScore(one.directRanges, facts.sourceAddress),
    (one, facts) => sourceTypeScore(one.sourceType, facts),
    (one, facts) => rangeScore(one.sourceRanges, facts.sourceAddress),
    (one, facts) => (one.sourcePorts.length === 0 ? 0 : one.sourcePorts.includes(facts.sourcePort) ? 1 : -1),
  ];
  return (facts) => {
    let left: readonly Candidate<Chain>[] = all;
    for (const step of steps) {
      left = best(left, (candidate) => step(candidate, facts));
      if (left.length === 0) return fallback;
    }
    return left[0]?.chain ?? fallback;
  };
}

function best<Item>(items: readonly Item[], score: (item: Item) => number): readonly Item[] {
  let highest = -1;
  let kept: Item[] = [];
  for (const item of items) {
    const value = score(item);
    if (value < 0 || value < highest) continue;
    if (value > highest) {
      highest = value;
      kept = [];
    }
    kept.push(item);
  }
  return kept;
}

function compileCandidate<Chain>({ match, chain }: MatchedChain<Chain>): Candidate<Chain> {
  return {
    chain,
    port: match?.destinationPort ?? 0,
    ranges: (match?.prefixRanges ?? []).map(compileCidr),
    names: (match?.serverNames ?? []).map((name) => name.toLowerCase()),
    transport: match?.transportProtocol ?? "",
    protocols: match?.applicationProtocols ?? [],
    sourceType: match?.sourceType ?? 0,
    directRanges: (match?.directSourcePrefixRanges ?? []).map(compileCidr),
    sourceRanges: (match?.sourcePrefixRanges ?? []).map(compileCidr),
    sourcePorts: match?.sourcePorts ?? [],
  };
}

/** The longest prefix that holds the address, plus one; -1 when there are ranges and none does. */
function rangeScore(ranges: readonly Cidr[], address: string): number {
  if (ranges.length === 0) return 0;
  let score = -1;
  for (const range of ranges) if (range.contains(address)) score = Math.max(score, range.prefixLength + 1);
  return score;
}

/** An exact name beats wildcards; a longer wildcard beats a shorter one. */
function nameScore(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 0;
  let score = -1;
  for (const name of names) {
    if (name === serverName && name !== "") score = Math.max(score, 10_000);
    else if (name.startsWith("*.") && serverName.endsWith(name.slice(1)) && serverName.length >= name.length) {
      score = Math.max(score, name.length);
    }
  }
  return score;
}

function protocolScore(wanted: readonly string[], offered: readonly string[]): number {
  if (wanted.length === 0) return 0;
  return offered.some((protocol) => wanted.includes(protocol)) ? 1 : -1;
}

/** 1 is the same address or loopback, 2 is any other. */
function sourceTypeScore(type: number, facts: ConnectionFacts): number {
  if (type === 0) return 0;
  const local = facts.sourceAddress === facts.destinationAddress || isLoopback(facts.sourceAddress);
  return (type === 1) === local ? 1 : -1;
}
