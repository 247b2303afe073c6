import { type Cluster, Cluster_DiscoveryType } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import type { TransportSocket } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { InternalUpstreamTransport } from "#gen/xds/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.ts";
import type { SdsSecretConfig } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import {
  type CommonTlsContext,
  DownstreamTlsContext,
  UpstreamTlsContext,
} from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { connectionManagers, filterChains } from "./connection-managers.ts";

/** Secrets that the agent itself provides; all others come from the control plane. */
export const ownSecrets: ReadonlySet<string> = new Set(["default", "ROOTCA"]);

/** Other resources that a resource refers to by name. */
export interface Needs {
  readonly endpoints: readonly string[];
  readonly routes: readonly string[];
  readonly secrets: readonly string[];
}

/** What a cluster cannot work without. */
export function needsOfCluster(cluster: Cluster): Needs {
  const isEds =
    cluster.clusterDiscoveryType?.$case === "type" && cluster.clusterDiscoveryType.value === Cluster_DiscoveryType.EDS;
  const sockets = [cluster.transportSocket, ...cluster.transportSocketMatches.map((match) => match.transportSocket)];
  return {
    endpoints: isEds ? [cluster.edsClusterConfig?.serviceName || cluster.name] : [],
    routes: [],
    secrets: sockets.flatMap(secretsOf),
  };
}

/** What a listener cannot work without: the routes that its connection managers name, and secrets. */
export function needsOfListener(listener: Listener): Needs {
  return {
    endpoints: [],
    routes: connectionManagers(listener).flatMap(({ routeSpecifier }) =>
      routeSpecifier?.$case === "rds" ? [routeSpecifier.value.routeConfigName] : [],
    ),
    secrets: filterChains(listener).flatMap((chain) => secretsOf(chain.transportSocket)),
  };
}

function secretsOf(socket: TransportSocket | undefined): readonly string[] {
  if (socket?.configType?.$case !== "typedConfig") return [];
  const { typeUrl, value } = socket.configType.value;
  if (typeUrl.endsWith(".InternalUpstreamTransport"))
    return secretsOf(InternalUpstreamTransport.decode(value).transportSocket);
  if (typeUrl.endsWith(".UpstreamTlsContext")) return secretNames(UpstreamTlsContext.decode(value).commonTlsContext);
  if (typeUrl.endsWith(".DownstreamTlsContext"))
    return secretNames(DownstreamTlsContext.decode(value).commonTlsContext);
  return [];
}

function secretNames(context: CommonTlsContext | undefined): readonly string[] {
  if (context === undefined) return [];
  const configs: (SdsSecretConfig | undefined)[] = [...context.tlsCertificateSdsSecretConfigs];
  const validation = context.validationContextType;
  if (validation?.$case === "validationContextSdsSecretConfig") configs.push(validation.value);
  if (validation?.$case === "combinedValidationContext")
    configs.push(validation.value.validationContextSdsSecretConfig);
  return configs.flatMap((config) => (config === undefined || ownSecrets.has(config.name) ? [] : [config.name]));
}
