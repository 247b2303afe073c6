import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { DownstreamTlsContext, UpstreamTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";

interface Codec<Message> {
  fromJSON(object: unknown): Message;
  encode(message: Message): { finish(): Uint8Array };
}

/** Packs what is written in protobuf's JSON. */
export function pack<Message>(type: string, codec: Codec<Message>, json: object): Any {
  return {
    typeUrl: `type.googleapis.com/${type}`,
    value: Buffer.from(codec.encode(codec.fromJSON(json)).finish()),
  };
}

const anyJson = (any: Any) => ({ typeUrl: any.typeUrl, value: any.value.toString("base64") });

export function httpFilter(json: object) {
  const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  return {
    name: "envoy.filters.network.http_connection_manager",
    typedConfig: anyJson(pack(type, HttpConnectionManager, { statPrefix: "test", ...json })),
  };
}

export function tcpFilter(cluster: string) {
  const type = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  return {
    name: "envoy.filters.network.tcp_proxy",
    typedConfig: anyJson(pack(type, TcpProxy, { statPrefix: "test", cluster })),
  };
}

export const downstreamTls = (json: object) => ({
  name: "envoy.transport_sockets.tls",
  typedConfig: anyJson(
    pack("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", DownstreamTlsContext, json),
  ),
});

export const upstreamTls = (json: object) => ({
  name: "envoy.transport_sockets.tls",
  typedConfig: anyJson(pack("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", UpstreamTlsContext, json)),
});

export interface ListenerJson {
  readonly name?: string;
  readonly port?: number;
  readonly chains: readonly object[];
  readonly rest?: object;
}

/** A listener on loopback; port 0 takes any. */
export function listenerOf({ name = "test", port = 0, chains, rest }: ListenerJson) {
  const resource = Listener.fromJSON({
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: chains,
    ...rest,
  });
  return { name, version: "1", resource };
}

export function routesOf(name: string, virtualHosts: readonly object[]) {
  return { name, version: "1", resource: RouteConfiguration.fromJSON({ name, virtualHosts }) };
}

export function clusterOf(name: string, ports: readonly number[], rest: object = {}) {
  const resource = Cluster.fromJSON({
    name,
    type: "STATIC",
    connectTimeout: { seconds: 1 },
    loadAssignment: assignmentJson(name, ports),
    ...rest,
  });
  return { name, version: "1", resource };
}

export function assignmentOf(name: string, ports: readonly number[]) {
  return { name, version: "1", resource: ClusterLoadAssignment.fromJSON(assignmentJson(name, ports)) };
}

function assignmentJson(clusterName: string, ports: readonly number[]) {
  const lbEndpoints = ports.map((portValue) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
  }));
  return { clusterName, endpoints: [{ lbEndpoints }] };
}
