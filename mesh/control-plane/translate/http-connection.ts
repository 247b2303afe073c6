import type { AccessLog } from "#gen/xds/envoy/config/accesslog/v3/accesslog.ts";
import { ApiVersion, ConfigSource } from "#gen/xds/envoy/config/core/v3/config_source.ts";
import type { Filter } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import type { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { FileAccessLog } from "#gen/xds/envoy/extensions/access_loggers/file/v3/file.ts";
import { Cors } from "#gen/xds/envoy/extensions/filters/http/cors/v3/cors.ts";
import { HTTPFault } from "#gen/xds/envoy/extensions/filters/http/fault/v3/fault.ts";
import { Router } from "#gen/xds/envoy/extensions/filters/http/router/v3/router.ts";
import {
  HttpConnectionManager,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  type HttpFilter,
} from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { TcpProxy } from "#gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts";
import { seconds } from "../model/duration.ts";
import type { MeshConfig } from "../model/mesh-config.ts";
import { pack } from "./any.ts";
import type { Topology } from "./gateway-topology.ts";

/** Istio's default access log line. Source: Istio's documentation on access logs. */
const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% " +
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% ' +
  '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" ' +
  "%UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% " +
  "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/** Access logs to a file, as the mesh configuration says; none if it names no file. */
export function accessLogs(mesh: MeshConfig): AccessLog[] {
  if (mesh.accessLogFile === "") return [];
  const typedConfig = pack(
    "envoy.extensions.access_loggers.file.v3.FileAccessLog",
    FileAccessLog,
    FileAccessLog.fromPartial({
      path: mesh.accessLogFile,
      accessLogFormat: {
        $case: "logFormat",
        value: {
          format: {
            $case: "textFormatSource",
            value: { specifier: { $case: "inlineString", value: mesh.accessLogFormat || DEFAULT_FORMAT } },
          },
        },
      },
    }),
  );
  return [
    { name: "envoy.access_loggers.file", filter: undefined, configType: { $case: "typedConfig", value: typedConfig } },
  ];
}

/** A waypoint reads what comes out of tunnels: it routes as a client would and decides as a server does. */
export type Direction = "outbound" | "inbound" | "gateway" | "waypoint";

export interface HttpConnectionOptions {
  readonly statPrefix: string;
  readonly direction: Direction;
  readonly mesh: MeshConfig;
  /** Who may ask for what; asked before anything else happens to a request. */
  readonly authorization?: readonly HttpFilter[];
  /** Name of a route configuration that comes over the stream, or the configuration itself. */
  readonly routes: string | RouteConfiguration;
  /** What stands before a gateway. */
  readonly topology?: Topology;
}

/** The network filter that speaks HTTP. Its filters are in the order in which a request passes them. */
export function httpConnection(options: HttpConnectionOptions): Filter {
  const { statPrefix, direction, mesh, topology } = options;
  const typedConfig = pack(
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    HttpConnectionManager,
    {
      ...connectionDefaults(),
      statPrefix,
      routeSpecifier: routeSpecifier(options.routes),
      httpFilters: [...(options.authorization ?? []), ...httpFilters(direction)],
      accessLog: accessLogs(mesh),
      useRemoteAddress: direction === "gateway",
      ...(direction === "outbound" ? {} : { serverName: "istio-envoy" }),
      ...clientCertificates(direction, topology),
      xffNumTrustedHops: topology?.trustedProxies ?? 0,
    },
  );
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: { $case: "typedConfig", value: typedConfig },
  };
}

const connectionDefaults = (): HttpConnectionManager =>
  HttpConnectionManager.fromPartial({
    generateRequestId: true,
    streamIdleTimeout: seconds(0),
    upgradeConfigs: [{ upgradeType: "websocket" }],
    normalizePath: true,
    pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.KEEP_UNCHANGED,
    proxy100Continue: true,
  });

function routeSpecifier(routes: string | RouteConfiguration): HttpConnectionManager["routeSpecifier"] {
  if (typeof routes !== "string") return { $case: "routeConfig", value: routes };
  const configSource = ConfigSource.fromPartial({
    configSourceSpecifier: { $case: "ads", value: {} },
    initialFetchTimeout: seconds(0),
    resourceApiVersion: ApiVersion.V3,
  });
  return { $case: "rds", value: { configSource, routeConfigName: routes } };
}

/** Who the caller is goes on in x-forwarded-client-cert: a sidecar adds to it, a gateway starts it anew. */
function clientCertificates(direction: Direction, topology: Topology | undefined) {
  // Who calls a waypoint is known from the tunnel, not from the connection inside; what a caller claims is removed.
  if (direction === "outbound") return {};
  if (direction === "waypoint")
    return { forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE };
  return {
    forwardClientCertDetails:
      direction === "inbound"
        ? HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD
        : (topology?.clientCertificates ?? HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET),
    setCurrentClientCertDetails: { subject: true, cert: false, chain: false, dns: true, uri: true },
  };
}

function httpFilters(direction: Direction): HttpFilter[] {
  const fault = httpFilter(
    "envoy.filters.http.fault",
    pack("envoy.extensions.filters.http.fault.v3.HTTPFault", HTTPFault, HTTPFault.fromPartial({})),
  );
  const cors = httpFilter(
    "envoy.filters.http.cors",
    pack("envoy.extensions.filters.http.cors.v3.Cors", Cors, Cors.fromPartial({})),
  );
  return direction === "inbound" ? [httpRouter()] : [fault, cors, httpRouter()];
}

/** The filter that sends a request on: the last of all. */
export const httpRouter = (): HttpFilter =>
  httpFilter(
    "envoy.filters.http.router",
    pack("envoy.extensions.filters.http.router.v3.Router", Router, Router.fromPartial({})),
  );

const httpFilter = (name: string, value: ReturnType<typeof pack>): HttpFilter => ({
  name,
  configType: { $case: "typedConfig", value },
  isOptional: false,
  disabled: false,
});

export type TcpTarget = string | readonly { readonly cluster: string; readonly weight: number }[];

/** The network filter that passes bytes on, to one cluster or to several by weight. */
export function tcpProxy(target: TcpTarget, mesh: MeshConfig, statPrefix?: string): Filter {
  const typedConfig = pack("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", TcpProxy, {
    ...TcpProxy.fromPartial({}),
    statPrefix: statPrefix ?? (typeof target === "string" ? target : (target[0]?.cluster ?? "tcp")),
    clusterSpecifier:
      typeof target === "string"
        ? { $case: "cluster", value: target }
        : {
            $case: "weightedClusters",
            value: {
              clusters: target.map(({ cluster, weight }) => ({ name: cluster, weight, metadataMatch: undefined })),
            },
          },
    accessLog: accessLogs(mesh),
  });
  return { name: "envoy.filters.network.tcp_proxy", configType: { $case: "typedConfig", value: typedConfig } };
}
