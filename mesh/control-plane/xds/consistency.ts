import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { ProxyResources } from "../translate/translate.ts";

interface ListenerFacts {
  readonly routeNames: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Finds what a proxy would refuse or wait for without end: a listener whose routes are not there, a cluster without a list of
 * endpoints, a domain that stands twice. Routes may name clusters that are missing: that is the user's mistake, answered with 503
 * NC. What was found about a resource is remembered as long as the resource lives.
 */
export class ConsistencyChecker {
  readonly #listeners = new WeakMap<Listener, ListenerFacts>();
  readonly #routes = new WeakMap<RouteConfiguration, readonly string[]>();

  check({ listeners, routes, clusters, endpoints }: ProxyResources): readonly string[] {
    const problems: string[] = [];
    for (const listener of listeners.values()) {
      const facts = remember(this.#listeners, listener, factsOf);
      problems.push(...facts.problems);
      for (const name of facts.routeNames) {
        if (!routes.has(name)) problems.push(`listener ${listener.name} names routes ${name}, which are missing`);
      }
    }
    for (const { name, edsClusterConfig } of clusters.values()) {
      if (edsClusterConfig !== undefined && !endpoints.has(edsClusterConfig.serviceName || name)) {
        problems.push(`cluster ${name} has no list of endpoints`);
      }
    }
    for (const one of routes.values()) problems.push(...remember(this.#routes, one, doubleDomains));
    return problems;
  }
}

function remember<Key extends object, Value>(cache: WeakMap<Key, Value>, key: Key, find: (key: Key) => Value): Value {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = find(key);
  cache.set(key, value);
  return value;
}

const factsOf = (listener: Listener): ListenerFacts => ({
  routeNames: routeNamesOf(listener),
  problems: doubleChains(listener),
});

const managerType =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** Names of route configurations that a listener takes from the stream. */
function routeNamesOf(listener: Listener): readonly string[] {
  return chainsOf(listener).flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      if (configType?.$case !== "typedConfig" || configType.value.typeUrl !== managerType) return [];
      const { routeSpecifier } = HttpConnectionManager.decode(configType.value.value);
      return routeSpecifier?.$case === "rds" ? [routeSpecifier.value.routeConfigName] : [];
    }),
  );
}

const chainsOf = (listener: Listener): readonly FilterChain[] =>
  listener.defaultFilterChain === undefined
    ? listener.filterChains
    : [...listener.filterChains, listener.defaultFilterChain];

function doubleDomains({ name, virtualHosts }: RouteConfiguration): readonly string[] {
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const domain of virtualHosts.flatMap(({ domains }) => domains)) {
    if (seen.has(domain)) problems.push(`routes ${name} have domain ${domain} twice`);
    seen.add(domain);
  }
  return problems;
}

function doubleChains(listener: Listener): readonly string[] {
  // Where a matcher chooses the chain, it does so by name.
  const keys = listener.filterChains.map(({ filterChainMatch, name }) =>
    listener.filterChainMatcher === undefined ? JSON.stringify(filterChainMatch ?? {}) : name,
  );
  return keys
    .filter((key, index) => keys.indexOf(key) !== index)
    .map((key) => `listener ${listener.name} has two filter chains for ${key}`);
}
