import {
  ApplicationProtocolInput,
  DestinationIPInput,
  DestinationPortInput,
} from "#gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs.ts";
import { StringValue } from "#gen/xds/google/protobuf/wrappers.ts";
import type { TypedExtensionConfig } from "#gen/xds/xds/core/v3/extension.ts";
import { IPMatcher } from "#gen/xds/xds/type/matcher/v3/ip.ts";
import type { Matcher, Matcher_OnMatch } from "#gen/xds/xds/type/matcher/v3/matcher.ts";
import { pack } from "../any.ts";

const inputs = "envoy.extensions.matching.common_inputs.network.v3";
const destinationIp = (): TypedExtensionConfig => ({
  name: "ip",
  typedConfig: pack(`${inputs}.DestinationIPInput`, DestinationIPInput, {}),
});
const destinationPort = (): TypedExtensionConfig => ({
  name: "port",
  typedConfig: pack(`${inputs}.DestinationPortInput`, DestinationPortInput, {}),
});
const applicationProtocol = (): TypedExtensionConfig => ({
  name: "application-protocol",
  typedConfig: pack(`${inputs}.ApplicationProtocolInput`, ApplicationProtocolInput, {}),
});

/** The filter chain of this name. */
export const toChain = (name: string): Matcher_OnMatch => ({
  onMatch: {
    $case: "action",
    value: { name, typedConfig: pack("google.protobuf.StringValue", StringValue, { value: name }) },
  },
});

const toMatcher = (value: Matcher): Matcher_OnMatch => ({ onMatch: { $case: "matcher", value } });

const exact = (input: TypedExtensionConfig, map: Readonly<Record<string, Matcher_OnMatch>>): Matcher => ({
  matcherType: {
    $case: "matcherTree",
    value: { input, treeType: { $case: "exactMatchMap", value: { map: { ...map } } } },
  },
});

/** One chain for what begins like HTTP, another for the rest. */
export const byFirstBytes = (chains: { readonly http: string; readonly tcp: string }): Matcher_OnMatch =>
  toMatcher({
    ...exact(applicationProtocol(), { "'h2c'": toChain(chains.http), "'http/1.1'": toChain(chains.http) }),
    onNoMatch: toChain(chains.tcp),
  });

export const byPort = (ports: ReadonlyMap<number, Matcher_OnMatch>): Matcher_OnMatch =>
  toMatcher(exact(destinationPort(), Object.fromEntries(ports)));

export interface AddressMatch {
  readonly addresses: readonly string[];
  readonly onMatch: Matcher_OnMatch;
}

/** Decides by the address that was dialled; what fits none belongs to nobody and is closed. */
export function byAddress(matches: readonly AddressMatch[]): Matcher {
  const rangeMatchers = matches.map(({ addresses, onMatch }) => ({
    ranges: addresses.map((addressPrefix) => ({ addressPrefix, prefixLen: addressPrefix.includes(":") ? 128 : 32 })),
    onMatch,
    exclusive: false,
  }));
  const typedConfig = pack("xds.type.matcher.v3.IPMatcher", IPMatcher, { rangeMatchers });
  return {
    matcherType: {
      $case: "matcherTree",
      value: { input: destinationIp(), treeType: { $case: "customMatch", value: { name: "ip", typedConfig } } },
    },
  };
}
