import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { messageToJson, toEnvoyJson } from "#mesh/lib/xds/any-json.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import type { AcceptedResource } from "#mesh/lib/xds/type-state.ts";
import { connectionManagers } from "../agent/connection-managers.ts";
import { nodeOf } from "../agent/node.ts";
import { ownSecretResources } from "../agent/own-secrets.ts";
import type { AgentView } from "../agent/view.ts";

const ADMIN = "type.googleapis.com/envoy.admin.v3.";
/** What Envoy shows for a private key. */
const REDACTED = Buffer.from("[redacted]");

type Json = Record<string, unknown>;
/** Which part of the configuration: a field of the dump such as dynamic_listeners; undefined for all of it. */
type Part = (view: AgentView, includeEndpoints: boolean) => Json | undefined;

const parts: readonly Part[] = [bootstrap, clusters, endpoints, listeners, routes, secrets];

/** Envoy's /config_dump. `resource` and `mask` are not known; what is asked for by ?include_eds is added. */
export function configDump(view: AgentView, query: URLSearchParams): Json {
  const includeEndpoints = query.has("include_eds");
  const resource = query.get("resource");
  const configs = parts
    .map((part) => part(view, includeEndpoints || resource === "dynamic_endpoint_configs"))
    .filter((config) => config !== undefined);
  if (resource === null) return { configs };
  const listed = configs.flatMap((config) => (Array.isArray(config[resource]) ? (config[resource] as unknown[]) : []));
  return { configs: listed };
}

function bootstrap({ config, startedAt }: AgentView): Json {
  return {
    "@type": `${ADMIN}BootstrapConfigDump`,
    bootstrap: {
      node: toEnvoyJson(Node.toJSON(nodeOf(config))),
      dynamic_resources: {
        ads_config: { api_type: config.protocol === "delta" ? "DELTA_GRPC" : "GRPC", transport_api_version: "V3" },
        cds_config: { ads: {}, resource_api_version: "V3" },
        lds_config: { ads: {}, resource_api_version: "V3" },
      },
      admin: { address: { socket_address: { address: "127.0.0.1", port_value: config.ports.admin } } },
    },
    last_updated: time(startedAt),
  };
}

function clusters({ subscriptions }: AgentView): Json {
  const { clusters: subscription } = subscriptions;
  return {
    "@type": `${ADMIN}ClustersConfigDump`,
    version_info: subscription.status().version,
    dynamic_active_clusters: all(subscription.resources, (one) => ({
      version_info: one.version,
      cluster: messageToJson(typeUrls.cluster, Cluster.toJSON(one.resource)),
      last_updated: time(one.acceptedAt),
    })),
  };
}

function endpoints({ subscriptions }: AgentView, wanted: boolean): Json | undefined {
  if (!wanted) return undefined;
  return {
    "@type": `${ADMIN}EndpointsConfigDump`,
    dynamic_endpoint_configs: all(subscriptions.endpoints.resources, (one) => ({
      version_info: one.version,
      endpoint_config: messageToJson(typeUrls.endpoint, ClusterLoadAssignment.toJSON(one.resource)),
      last_updated: time(one.acceptedAt),
    })),
  };
}

function listeners({ subscriptions }: AgentView): Json {
  const { listeners: subscription } = subscriptions;
  const { lastError, version } = subscription.status();
  return {
    "@type": `${ADMIN}ListenersConfigDump`,
    version_info: version,
    dynamic_listeners: all(subscription.resources, (one) => ({
      name: one.name,
      active_state: {
        version_info: one.version,
        listener: messageToJson(typeUrls.listener, Listener.toJSON(one.resource)),
        last_updated: time(one.acceptedAt),
      },
      ...(lastError?.includes(`${one.name}: `) ? { error_state: { details: lastError } } : {}),
    })),
  };
}

function routes({ subscriptions }: AgentView): Json {
  return {
    "@type": `${ADMIN}RoutesConfigDump`,
    static_route_configs: [...subscriptions.listeners.resources.values()].flatMap(inlineRoutes),
    dynamic_route_configs: all(subscriptions.routes.resources, (one) => ({
      version_info: one.version,
      route_config: messageToJson(typeUrls.route, RouteConfiguration.toJSON(one.resource)),
      last_updated: time(one.acceptedAt),
    })),
  };
}

/** What listeners bring along is static to Envoy, and named once for every filter chain that has it. */
function inlineRoutes({ resource, acceptedAt }: AcceptedResource<Listener>): readonly Json[] {
  return connectionManagers(resource).flatMap(({ routeSpecifier }) =>
    routeSpecifier?.$case === "routeConfig"
      ? [
          {
            route_config: messageToJson(typeUrls.route, RouteConfiguration.toJSON(routeSpecifier.value)),
            last_updated: time(acceptedAt),
          },
        ]
      : [],
  );
}

function secrets({ subscriptions, certificate, revocation }: AgentView): Json {
  const current = certificate();
  const own =
    current === undefined
      ? []
      : ownSecretResources(current, revocation.pem).map((one) => ({ ...one, acceptedAt: current.notBefore.getTime() }));
  return {
    "@type": `${ADMIN}SecretsConfigDump`,
    dynamic_active_secrets: [...own, ...subscriptions.secrets.resources.values()].map((one) => ({
      name: one.name,
      version_info: one.version,
      last_updated: time(one.acceptedAt),
      secret: messageToJson(typeUrls.secret, Secret.toJSON(redacted(one.resource))),
    })),
  };
}

function redacted(secret: Secret): Secret {
  switch (secret.type?.$case) {
    case "tlsCertificate":
      return Secret.fromPartial({
        name: secret.name,
        type: {
          $case: "tlsCertificate",
          value: { ...secret.type.value, privateKey: { specifier: { $case: "inlineBytes", value: REDACTED } } },
        },
      });
    case "validationContext":
      return secret;
    // Session ticket keys and generic secrets are secret as a whole.
    case "sessionTicketKeys":
    case "genericSecret":
    case undefined:
      return Secret.fromPartial({ name: secret.name });
  }
}

const all = <Resource>(
  resources: ReadonlyMap<string, AcceptedResource<Resource>>,
  toJson: (resource: AcceptedResource<Resource>) => Json,
): readonly Json[] => [...resources.values()].map(toJson);

const time = (ms: number): string => new Date(ms).toISOString();
