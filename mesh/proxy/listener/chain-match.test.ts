import { describe, expect, it } from "vitest";
import { FilterChainMatch } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { compileChainMatcher } from "./chain-match.ts";
import type { ConnectionFacts } from "./connection-facts.ts";

const chains: Readonly<Record<string, object>> = {
  blackhole: { destinationPort: 15006 },
  "catch-mtls": { transportProtocol: "tls", applicationProtocols: ["istio-http/1.1", "istio"] },
  "catch-plain": { transportProtocol: "raw_buffer" },
  "80-mtls": { destinationPort: 80, transportProtocol: "tls", applicationProtocols: ["istio"] },
  "80-tls": { destinationPort: 80, transportProtocol: "tls" },
  "80-http": { destinationPort: 80, transportProtocol: "raw_buffer", applicationProtocols: ["http/1.1", "h2c"] },
  "80-raw": { destinationPort: 80, transportProtocol: "raw_buffer" },
  "sni-exact": { destinationPort: 443, serverNames: ["a.shop.com"] },
  "sni-wild": { destinationPort: 443, serverNames: ["*.shop.com"] },
  "net-8": { destinationPort: 90, prefixRanges: [{ addressPrefix: "10.0.0.0", prefixLen: 8 }] },
  "net-16": { destinationPort: 90, prefixRanges: [{ addressPrefix: "10.1.0.0", prefixLen: 16 }] },
};
const choose = compileChainMatcher(
  Object.entries(chains).map(([chain, match]) => ({ chain, match: FilterChainMatch.fromJSON(match) })),
  "default",
);

const facts = (over: Partial<ConnectionFacts>): ConnectionFacts => ({
  destinationAddress: "10.1.2.3",
  destinationPort: 9999,
  sourceAddress: "10.9.9.9",
  sourcePort: 4000,
  serverName: "",
  transportProtocol: "raw_buffer",
  applicationProtocols: [],
  ...over,
});

describe("filter chains", () => {
  const cases: readonly (readonly [Partial<ConnectionFacts>, string])[] = [
    [{ destinationPort: 15006 }, "blackhole"],
    [{}, "catch-plain"],
    [{ transportProtocol: "tls", applicationProtocols: ["istio"] }, "catch-mtls"],
    [{ transportProtocol: "tls", applicationProtocols: ["h2"] }, "default"],
    [{ destinationPort: 80, transportProtocol: "tls", applicationProtocols: ["x", "istio"] }, "80-mtls"],
    [{ destinationPort: 80, transportProtocol: "tls", applicationProtocols: ["h2"] }, "80-tls"],
    [{ destinationPort: 80, applicationProtocols: ["http/1.1"] }, "80-http"],
    [{ destinationPort: 80 }, "80-raw"],
    [{ destinationPort: 443, transportProtocol: "tls", serverName: "a.shop.com" }, "sni-exact"],
    [{ destinationPort: 443, transportProtocol: "tls", serverName: "b.shop.com" }, "sni-wild"],
    [{ destinationPort: 443, transportProtocol: "tls", serverName: "b.other.com" }, "default"],
    [{ destinationPort: 90 }, "net-16"],
    [{ destinationPort: 90, destinationAddress: "10.2.0.1" }, "net-8"],
    [{ destinationPort: 90, destinationAddress: "11.0.0.1" }, "default"],
  ];
  it.each(cases)("%j goes to %s", (over, expected) => {
    expect(choose(facts(over))).toBe(expected);
  });
});
