import { ports } from "#api/names.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { type Filter, FilterChain } from "#gen/xds/envoy/config/listener/v3/listener_components.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { Route, RouteAction, VirtualHost } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import {
  HttpConnectionManager,
  HttpConnectionManager_ForwardClientCertDetails,
} from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { seconds } from "../../model/duration.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { tcpAddress } from "../address.ts";
import { pack } from "../any.ts";
import { httpRouter } from "../http-connection.ts";
import { buildMatch } from "../route-match.ts";
import { hboneServerSocket } from "../tls.ts";
import { connectAuthority } from "./filter-state.ts";
import { CONNECT_TERMINATE, MAIN_INTERNAL } from "./names.ts";

/** As many streams as Istio lets a peer open over one connection; a peer that wants more opens another. */
const MAX_STREAMS = 100;

/** Takes tunnels of HBONE on 15008, from peers with a certificate of the mesh, and hands what is inside to `main_internal`. */
export function connectTerminate({ mesh }: Pick<Snapshot, "mesh">): Listener {
  return {
    ...Listener.fromPartial({
      name: CONNECT_TERMINATE,
      connectionBalanceConfig: { balanceType: { $case: "exactBalance", value: {} } },
    }),
    address: tcpAddress("0.0.0.0", ports.hbone),
    filterChains: [
      {
        ...FilterChain.fromPartial({ name: "default" }),
        filters: [connectionManager()],
        transportSocket: hboneServerSocket(mesh),
      },
    ],
  };
}

function connectionManager(): Filter {
  const route: Route = {
    ...Route.fromPartial({}),
    match: { ...buildMatch(undefined), pathSpecifier: { $case: "connectMatcher", value: {} } },
    action: {
      $case: "route",
      value: {
        ...RouteAction.fromPartial({ upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig: {} }] }),
        clusterSpecifier: { $case: "cluster", value: MAIN_INTERNAL },
      },
    },
  };
  const manager: HttpConnectionManager = {
    ...HttpConnectionManager.fromPartial({
      statPrefix: CONNECT_TERMINATE,
      forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD,
      setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
      serverName: "istio-envoy",
      useRemoteAddress: false,
      streamIdleTimeout: seconds(0),
      upgradeConfigs: [{ upgradeType: "CONNECT" }],
      http2ProtocolOptions: {
        allowConnect: true,
        maxConcurrentStreams: MAX_STREAMS,
        connectionKeepalive: { interval: seconds(10), timeout: seconds(20) },
      },
    }),
    routeSpecifier: {
      $case: "routeConfig",
      value: {
        ...RouteConfiguration.fromPartial({ name: "default" }),
        virtualHosts: [{ ...VirtualHost.fromPartial({ name: "default", domains: ["*"] }), routes: [route] }],
      },
    },
    httpFilters: [connectAuthority(), httpRouter()],
  };
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: {
      $case: "typedConfig",
      value: pack(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        HttpConnectionManager,
        manager,
      ),
    },
  };
}
