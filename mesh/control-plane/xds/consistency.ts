import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import type { ProxyResources } from "../translate/translate.ts";

/**
 * What a proxy would refuse or wait for without end: a listener whose routes are not there, a cluster without endpoints' list, a
 * domain that stands twice. Routes may name clusters that are missing: that is the user's mistake, answered with 503 NC.
 */
export function checkConsistency(resources: ProxyResources): readonly string[] {
  return [
    ...missingRoutes(resources),
    ...missingEndpoints(resources),
    ...doubleDomains(resources),
    ...doubleChains(resources),
  ];
}

function* missingRoutes({ listeners, routes }: ProxyResources): Iterable<string> {
  for (const listener of listeners.values()) {
    for (const name of routeNamesOf(listener)) {
      if (!routes.has(name)) yield `listener ${listener.name} names routes ${name}, which are missing`;
    }
  }
}

const managerType =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** Names of route configurations that a listener takes from the stream. */
export function routeNamesOf(listener: Listener): readonly string[] {
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

function* missingEndpoints({ clusters, endpoints }: ProxyResources): Iterable<string> {
  for (const { name, edsClusterConfig } of clusters.values()) {
    if (edsClusterConfig !== undefined && !endpoints.has(edsClusterConfig.serviceName || name)) {
      yield `cluster ${name} has no list of endpoints`;
    }
  }
}

function* doubleDomains({ routes }: ProxyResources): Iterable<string> {
  for (const { name, virtualHosts } of routes.values()) {
    const seen = new Set<string>();
    for (const domain of virtualHosts.flatMap((host) => host.domains)) {
      if (seen.has(domain)) yield `routes ${name} have domain ${domain} twice`;
      seen.add(domain);
    }
  }
}

function* doubleChains({ listeners }: ProxyResources): Iterable<string> {
  for (const listener of listeners.values()) {
    const seen = new Set<string>();
    for (const { filterChainMatch } of listener.filterChains) {
      const key = JSON.stringify(filterChainMatch ?? {});
      if (seen.has(key)) yield `listener ${listener.name} has two filter chains for ${key}`;
      seen.add(key);
    }
  }
}
