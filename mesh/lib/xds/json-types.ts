import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { FileAccessLog } from "#gen/xds/envoy/extensions/access_loggers/file/v3/file.ts";
import { StderrAccessLog, StdoutAccessLog } from "#gen/xds/envoy/extensions/access_loggers/stream/v3/stream.ts";
import { Cors, CorsPolicy } from "#gen/xds/envoy/extensions/filters/http/cors/v3/cors.ts";
import { ExtAuthz, ExtAuthzPerRoute } from "#gen/xds/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts";
import { HTTPFault } from "#gen/xds/envoy/extensions/filters/http/fault/v3/fault.ts";
import { JwtAuthentication, PerRouteConfig } from "#gen/xds/envoy/extensions/filters/http/jwt_authn/v3/config.ts";
import { RBAC as HttpRbac, RBACPerRoute } from "#gen/xds/envoy/extensions/filters/http/rbac/v3/rbac.ts";
import { Router } from "#gen/xds/envoy/extensions/filters/http/router/v3/router.ts";
import { Config as HttpSetFilterState } from "#gen/xds/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.ts";
import { UpstreamCodec } from "#gen/xds/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.ts";
import { HttpInspector } from "#gen/xds/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts";
import { OriginalDst } from "#gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts";
import { TlsInspector } from "#gen/xds/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.ts";
import { ExtAuthz as NetworkExtAuthz } from "#gen/xds/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { RBAC as NetworkRbac } from "#gen/xds/envoy/extensions/filters/network/rbac/v3/rbac.ts";
import { Config as NetworkSetFilterState } from "#gen/xds/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { ClusterProvided } from "#gen/xds/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided.ts";
import { LeastRequest } from "#gen/xds/envoy/extensions/load_balancing_policies/least_request/v3/least_request.ts";
import { Maglev } from "#gen/xds/envoy/extensions/load_balancing_policies/maglev/v3/maglev.ts";
import { Random } from "#gen/xds/envoy/extensions/load_balancing_policies/random/v3/random.ts";
import { RingHash } from "#gen/xds/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.ts";
import { RoundRobin } from "#gen/xds/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.ts";
import {
  ApplicationProtocolInput,
  DestinationIPInput,
  DestinationPortInput,
  ServerNameInput,
  SourceIPInput,
  TransportProtocolInput,
} from "#gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs.ts";
import { PreviousHostsPredicate } from "#gen/xds/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts";
import { InternalUpstreamTransport } from "#gen/xds/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.ts";
import { RawBuffer } from "#gen/xds/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { DownstreamTlsContext, UpstreamTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { HttpProtocolOptions } from "#gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options.ts";
import { Struct } from "#gen/xds/google/protobuf/struct.ts";
import { BoolValue, StringValue, UInt32Value } from "#gen/xds/google/protobuf/wrappers.ts";
import { IPMatcher } from "#gen/xds/xds/type/matcher/v3/ip.ts";

const entry = <Message>(type: { decode(bytes: Uint8Array): Message; toJSON(message: Message): unknown }) => {
  return (bytes: Uint8Array): unknown => type.toJSON(type.decode(bytes));
};

/** How the messages that stand in Any fields become JSON, by full protobuf name. What is not here is shown as base64. */
export const jsonTypes: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  "envoy.config.cluster.v3.Cluster": entry(Cluster),
  "envoy.config.endpoint.v3.ClusterLoadAssignment": entry(ClusterLoadAssignment),
  "envoy.config.listener.v3.Listener": entry(Listener),
  "envoy.config.route.v3.RouteConfiguration": entry(RouteConfiguration),
  "envoy.extensions.access_loggers.file.v3.FileAccessLog": entry(FileAccessLog),
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": entry(StdoutAccessLog),
  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog": entry(StderrAccessLog),
  "envoy.extensions.filters.http.cors.v3.Cors": entry(Cors),
  "envoy.extensions.filters.http.cors.v3.CorsPolicy": entry(CorsPolicy),
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz": entry(ExtAuthz),
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute": entry(ExtAuthzPerRoute),
  "envoy.extensions.filters.http.fault.v3.HTTPFault": entry(HTTPFault),
  "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication": entry(JwtAuthentication),
  "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig": entry(PerRouteConfig),
  "envoy.extensions.filters.http.rbac.v3.RBAC": entry(HttpRbac),
  "envoy.extensions.filters.http.rbac.v3.RBACPerRoute": entry(RBACPerRoute),
  "envoy.extensions.filters.http.router.v3.Router": entry(Router),
  "envoy.extensions.filters.http.set_filter_state.v3.Config": entry(HttpSetFilterState),
  "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec": entry(UpstreamCodec),
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector": entry(HttpInspector),
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst": entry(OriginalDst),
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector": entry(TlsInspector),
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": entry(HttpConnectionManager),
  "envoy.extensions.filters.network.rbac.v3.RBAC": entry(NetworkRbac),
  "envoy.extensions.filters.network.set_filter_state.v3.Config": entry(NetworkSetFilterState),
  "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz": entry(NetworkExtAuthz),
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": entry(TcpProxy),
  "envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided": entry(ClusterProvided),
  "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest": entry(LeastRequest),
  "envoy.extensions.load_balancing_policies.maglev.v3.Maglev": entry(Maglev),
  "envoy.extensions.load_balancing_policies.random.v3.Random": entry(Random),
  "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash": entry(RingHash),
  "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin": entry(RoundRobin),
  "envoy.extensions.matching.common_inputs.network.v3.ApplicationProtocolInput": entry(ApplicationProtocolInput),
  "envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput": entry(DestinationIPInput),
  "envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput": entry(DestinationPortInput),
  "envoy.extensions.matching.common_inputs.network.v3.ServerNameInput": entry(ServerNameInput),
  "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput": entry(SourceIPInput),
  "envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput": entry(TransportProtocolInput),
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate": entry(PreviousHostsPredicate),
  "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport": entry(InternalUpstreamTransport),
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": entry(RawBuffer),
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext": entry(DownstreamTlsContext),
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext": entry(UpstreamTlsContext),
  "envoy.extensions.transport_sockets.tls.v3.Secret": entry(Secret),
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": entry(HttpProtocolOptions),
  "google.protobuf.Struct": (bytes) => ({ value: Struct.decode(bytes).fields }),
  "google.protobuf.BoolValue": entry(BoolValue),
  "google.protobuf.StringValue": entry(StringValue),
  "google.protobuf.UInt32Value": entry(UInt32Value),
  "xds.type.matcher.v3.IPMatcher": entry(IPMatcher),
};
