import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { ResourceType } from "./resource-type.ts";

const PREFIX = "type.googleapis.com/";

export const typeUrls = {
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoint: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
  route: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
} as const;

export const clusterType: ResourceType<Cluster> = {
  typeUrl: typeUrls.cluster,
  decode: (bytes) => Cluster.decode(bytes),
  nameOf: (cluster) => cluster.name,
};

export const endpointType: ResourceType<ClusterLoadAssignment> = {
  typeUrl: typeUrls.endpoint,
  decode: (bytes) => ClusterLoadAssignment.decode(bytes),
  nameOf: (assignment) => assignment.clusterName,
};

export const listenerType: ResourceType<Listener> = {
  typeUrl: typeUrls.listener,
  decode: (bytes) => Listener.decode(bytes),
  nameOf: (listener) => listener.name,
};

export const routeType: ResourceType<RouteConfiguration> = {
  typeUrl: typeUrls.route,
  decode: (bytes) => RouteConfiguration.decode(bytes),
  nameOf: (route) => route.name,
};

export const secretType: ResourceType<Secret> = {
  typeUrl: typeUrls.secret,
  decode: (bytes) => Secret.decode(bytes),
  nameOf: (secret) => secret.name,
};
