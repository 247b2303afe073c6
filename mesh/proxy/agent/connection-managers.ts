import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";

/** Every filter chain of a listener; the default one comes last. */
export const filterChains = ({ filterChains, defaultFilterChain }: Listener): readonly FilterChain[] =>
  defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];

/** The HTTP connection managers of a listener, in the order of its chains. */
export const connectionManagers = (listener: Listener): readonly HttpConnectionManager[] =>
  filterChains(listener).flatMap((chain) =>
    chain.filters.flatMap(({ configType }) =>
      configType?.$case === "typedConfig" && configType.value.typeUrl.endsWith(".HttpConnectionManager")
        ? [HttpConnectionManager.decode(configType.value.value)]
        : [],
    ),
  );
