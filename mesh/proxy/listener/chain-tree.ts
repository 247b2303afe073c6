import { FilterStateInput } from "#gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { StringValue } from "#gen/xds/google/protobuf/wrappers.ts";
import type { TypedExtensionConfig } from "#gen/xds/xds/core/v3/extension.ts";
import { IPMatcher } from "#gen/xds/xds/type/matcher/v3/ip.ts";
import type { Matcher, Matcher_MatcherTree, Matcher_OnMatch } from "#gen/xds/xds/type/matcher/v3/matcher.ts";
import { compileCidr } from "../../lib/match/cidr.ts";
import type { ConnectionFacts } from "./connection-facts.ts";

type Choose<Chain> = (facts: ConnectionFacts) => Chain | undefined;
type Input = (facts: ConnectionFacts) => string;

/**
 * Compiles a listener's tree of matchers whose leaves name filter chains. A branch that leads nowhere falls back to what stands
 * beside it for no match. Throws for what is not supported. Source: Envoy's API, xds.type.matcher.v3, as Istio's waypoints use it.
 */
export function compileChainTree<Chain>(matcher: Matcher, chains: ReadonlyMap<string, Chain>): Choose<Chain> {
  if (matcher.matcherType?.$case !== "matcherTree")
    throw new Error("its filter chains are matched by lists of predicates");
  const branch = compileTree(matcher.matcherType.value, chains);
  if (matcher.onNoMatch === undefined) return branch;
  const otherwise = compileLeaf(matcher.onNoMatch, chains);
  return (facts) => branch(facts) ?? otherwise(facts);
}

function compileTree<Chain>(
  { input, treeType }: Matcher_MatcherTree,
  chains: ReadonlyMap<string, Chain>,
): Choose<Chain> {
  if (treeType?.$case === "exactMatchMap") {
    const read = compileInput(input);
    const branches = new Map(
      Object.entries(treeType.value.map).map(([key, onMatch]) => [key, compileLeaf(onMatch, chains)]),
    );
    return (facts) => branches.get(read(facts))?.(facts);
  }
  if (treeType?.$case === "customMatch" && isA(treeType.value.typedConfig, "matcher.v3.IPMatcher"))
    return compileRanges(IPMatcher.decode(treeType.value.typedConfig.value), compileInput(input), chains);
  throw new Error("its filter chains are matched by a tree of an unknown kind");
}

/** The most specific range first; where it leads nowhere, the next one. */
function compileRanges<Chain>(config: IPMatcher, read: Input, chains: ReadonlyMap<string, Chain>): Choose<Chain> {
  const ranges = config.rangeMatchers
    .flatMap(({ ranges: own, onMatch }) => {
      const leaf = onMatch === undefined ? () => undefined : compileLeaf(onMatch, chains);
      return own.map((range) => ({ range: compileCidr(range), leaf }));
    })
    .toSorted((a, b) => b.range.prefixLength - a.range.prefixLength);
  const whole = new Map<string, Choose<Chain>>();
  return (facts) => {
    const address = read(facts);
    const known = whole.get(address);
    if (known !== undefined) return known(facts);
    const holding = ranges.filter(({ range }) => range.contains(address)).map(({ leaf }) => leaf);
    const choose: Choose<Chain> = (one) => {
      for (const leaf of holding) {
        const chain = leaf(one);
        if (chain !== undefined) return chain;
      }
      return undefined;
    };
    // Anybody may dial anything: forget rather than grow.
    if (whole.size >= 4096) whole.clear();
    whole.set(address, choose);
    return choose(facts);
  };
}

function compileLeaf<Chain>({ onMatch }: Matcher_OnMatch, chains: ReadonlyMap<string, Chain>): Choose<Chain> {
  if (onMatch?.$case === "matcher") return compileChainTree(onMatch.value, chains);
  const config = onMatch?.value.typedConfig;
  if (config === undefined || !isA(config, "google.protobuf.StringValue"))
    throw new Error("its filter chains are matched to something that is no name");
  const name = StringValue.decode(config.value).value;
  const chain = chains.get(name);
  if (chain === undefined) throw new Error(`its matcher leads to filter chain "${name}", which there is not`);
  return () => chain;
}

function compileInput(input: TypedExtensionConfig | undefined): Input {
  const config = input?.typedConfig;
  switch (config?.typeUrl.split(".").at(-1)) {
    case "DestinationIPInput":
      return (facts) => facts.destinationAddress;
    case "DestinationPortInput":
      return (facts) => String(facts.destinationPort);
    case "SourceIPInput":
    case "DirectSourceIPInput":
      return (facts) => facts.sourceAddress;
    case "SourcePortInput":
      return (facts) => String(facts.sourcePort);
    case "ServerNameInput":
      return (facts) => facts.serverName;
    case "TransportProtocolInput":
      return (facts) => facts.transportProtocol;
    case "ApplicationProtocolInput":
      return (facts) => facts.applicationProtocols.map((protocol) => `'${protocol}'`).join(",");
    case "FilterStateInput": {
      const { key } = FilterStateInput.decode(config.value);
      return (facts) => facts.state?.get(key) ?? "";
    }
    default:
      throw new Error(`its filter chains are matched by ${config?.typeUrl ?? "nothing"}, which is not supported`);
  }
}

const isA = (config: Any | undefined, type: string): config is Any => config?.typeUrl.endsWith(type) === true;
