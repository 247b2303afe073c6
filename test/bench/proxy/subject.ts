/** Our data plane with its metrics, as a sidecar's outbound side: one listener, one route, one cluster. Arguments as the JSON that run.ts writes. */
import { readFileSync } from "node:fs";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { UpstreamTlsContext } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { Registry } from "#mesh/lib/metrics/registry.ts";
import { IstioMetrics } from "#mesh/proxy/agent/telemetry.ts";
import { createDataPlane } from "#mesh/proxy/data-plane-create.ts";
import type { Setup } from "./setup.ts";

const setup = JSON.parse(process.argv[2] ?? "{}") as Setup;
const self = {
  name: "front-1",
  namespace: "shop",
  workload: "front",
  app: "front",
  version: "v1",
  canonicalService: "front",
  canonicalRevision: "v1",
  cluster: "Kubernetes",
};

const plane = createDataPlane({
  nodeId: "sidecar~127.0.0.1~front-1.shop~shop.svc.cluster.local",
  self,
  role: "sidecar",
  originalDestination: () => undefined,
  // Istio's standard metrics are counted, as in a pod; Envoy counts its own statistics.
  sink: new IstioMetrics(new Registry(), self),
  log: { warn: (fields, message) => console.error(message, fields), debug: () => undefined },
});

const packed = (type: string, bytes: Uint8Array) => ({
  typeUrl: `type.googleapis.com/${type}`,
  value: Buffer.from(bytes).toString("base64"),
});
const named = <Resource>(name: string, resource: Resource) => [{ name, version: "1", resource }];

if (setup.tls !== undefined) {
  const text = (path: string) => ({ inlineString: readFileSync(path, "utf8") });
  const { certificate, key, roots } = setup.tls;
  plane.apply({
    type: "secret",
    changed: [
      ...named(
        "default",
        Secret.fromJSON({
          name: "default",
          tlsCertificate: { certificateChain: text(certificate), privateKey: text(key) },
        }),
      ),
      ...named("ROOTCA", Secret.fromJSON({ name: "ROOTCA", validationContext: { trustedCa: text(roots) } })),
    ],
    removed: [],
  });
}

const tls = {
  sni: "cart.shop.svc.cluster.local",
  commonTlsContext: {
    alpnProtocols: ["istio-http/1.1", "istio", "http/1.1"],
    tlsCertificateSdsSecretConfigs: [{ name: "default" }],
    combinedValidationContext: {
      defaultValidationContext: { matchSubjectAltNames: [{ prefix: "spiffe://" }] },
      validationContextSdsSecretConfig: { name: "ROOTCA" },
    },
  },
};
const transportSocket = {
  name: "envoy.transport_sockets.tls",
  typedConfig: packed(
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    UpstreamTlsContext.encode(UpstreamTlsContext.fromJSON(tls)).finish(),
  ),
};
const endpoint = { address: { socketAddress: { address: "127.0.0.1", portValue: setup.upstreamPort } } };
const cluster = Cluster.fromJSON({
  name: "cart",
  type: "STATIC",
  connectTimeout: { seconds: 5 },
  loadAssignment: { clusterName: "cart", endpoints: [{ lbEndpoints: [{ endpoint }] }] },
  ...(setup.tls === undefined ? {} : { transportSocket }),
});
const routes = RouteConfiguration.fromJSON({
  name: "80",
  virtualHosts: [
    {
      name: "all",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, route: { cluster: "cart", timeout: { seconds: 0 } } }],
    },
  ],
});
const manager = HttpConnectionManager.fromJSON({
  statPrefix: "bench",
  rds: { routeConfigName: "80" },
  normalizePath: true,
  generateRequestId: true,
});
const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const listener = Listener.fromJSON({
  name: "bench",
  address: { socketAddress: { address: "127.0.0.1", portValue: setup.listenPort } },
  filterChains: [
    { filters: [{ name: "http", typedConfig: packed(type, HttpConnectionManager.encode(manager).finish()) }] },
  ],
});

plane.apply({ type: "cluster", changed: named("cart", cluster), removed: [] });
plane.apply({ type: "route", changed: named("80", routes), removed: [] });
plane.apply({ type: "listener", changed: named("bench", listener), removed: [] });
await plane.listening();
process.send?.("listening");
