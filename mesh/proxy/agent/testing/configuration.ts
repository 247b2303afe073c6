import { expect } from "vitest";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { FileAccessLog } from "#gen/xds/envoy/extensions/access_loggers/file/v3/file.ts";
import {
  HttpConnectionManager,
  Rds,
} from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { Resource } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import type { FakeControlPlane } from "./fake-control-plane.ts";

export function resource<Message>(
  typeUrl: string,
  codec: { encode(message: Message): { finish(): Uint8Array } },
  [name, message]: readonly [string, Message],
) {
  return Resource.fromPartial({
    name,
    version: "1",
    resource: { typeUrl, value: Buffer.from(codec.encode(message).finish()) },
  });
}

export const cluster = (name: string) =>
  resource(typeUrls.cluster, Cluster, [
    name,
    Cluster.fromPartial({ name, clusterDiscoveryType: { $case: "type", value: 3 } }),
  ]);

/** A listener whose routes come by RDS under that name. */
export const routedListener = (name: string, routeConfigName: string) =>
  listener(name, {
    $case: "rds",
    value: Rds.fromPartial({ routeConfigName, configSource: { configSourceSpecifier: { $case: "ads", value: {} } } }),
  });

export function listener(name: string, routeSpecifier: NonNullable<HttpConnectionManager["routeSpecifier"]>) {
  const accessLog = {
    name: "envoy.access_loggers.file",
    configType: {
      $case: "typedConfig" as const,
      value: {
        typeUrl: "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        value: Buffer.from(
          FileAccessLog.encode(
            FileAccessLog.fromPartial({
              path: "/dev/stdout",
              accessLogFormat: {
                $case: "logFormat",
                value: {
                  format: {
                    $case: "textFormatSource",
                    value: {
                      specifier: { $case: "inlineString", value: "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS%\n" },
                    },
                  },
                },
              },
            }),
          ).finish(),
        ),
      },
    },
  };
  const manager = HttpConnectionManager.fromPartial({
    statPrefix: "x",
    routeSpecifier,
    accessLog: [accessLog],
  });
  const typeUrl =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const value = Buffer.from(HttpConnectionManager.encode(manager).finish());
  const message = Listener.fromPartial({
    name,
    filterChains: [{ filters: [{ name: "hcm", configType: { $case: "typedConfig", value: { typeUrl, value } } }] }],
  });
  return resource(typeUrls.listener, Listener, [name, message]);
}

export const CART = "outbound|80||cart.shop.svc.cluster.local";

/** Says everything that a proxy needs to be ready. */
export async function configure(plane: FakeControlPlane): Promise<void> {
  await plane.next(typeUrls.cluster);
  await plane.next(typeUrls.listener);
  plane.say({ typeUrl: typeUrls.cluster, nonce: "c1", systemVersionInfo: "1", resources: [cluster(CART)] });
  plane.say({
    typeUrl: typeUrls.listener,
    nonce: "l1",
    systemVersionInfo: "1",
    resources: [routedListener("0.0.0.0_80", "80")],
  });
  expect((await plane.next(typeUrls.endpoint)).resourceNamesSubscribe).toEqual([CART]);
  expect((await plane.next(typeUrls.route)).resourceNamesSubscribe).toEqual(["80"]);
  plane.say({
    typeUrl: typeUrls.route,
    nonce: "r1",
    systemVersionInfo: "1",
    resources: [resource(typeUrls.route, RouteConfiguration, ["80", RouteConfiguration.fromPartial({ name: "80" })])],
  });
  plane.say({
    typeUrl: typeUrls.endpoint,
    nonce: "e1",
    systemVersionInfo: "1",
    resources: [
      resource(typeUrls.endpoint, ClusterLoadAssignment, [
        CART,
        ClusterLoadAssignment.fromPartial({ clusterName: CART }),
      ]),
    ],
  });
  expect((await plane.next(typeUrls.listener)).errorDetail).toBeUndefined();
}
