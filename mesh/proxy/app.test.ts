import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { FileAccessLog } from "#gen/xds/envoy/extensions/access_loggers/file/v3/file.ts";
import { HttpConnectionManager } from "#gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts";
import { Resource } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import { Log } from "./agent/log.ts";
import { type FakeControlPlane, serverName, startFakeControlPlane } from "./agent/testing/fake-control-plane.ts";
import { buildProxy, type RunningProxy } from "./app.ts";
import { readConfig } from "./config.ts";
import { ConfigError, type DataPlane, type DataPlaneOptions, type ResourceUpdate } from "./data-plane.ts";
import type { RequestRecord } from "./request-record.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Notes what it is given; refuses clusters called "bad". */
class FakeDataPlane implements DataPlane {
  readonly updates: string[] = [];
  options: DataPlaneOptions | undefined;

  apply(update: ResourceUpdate): void {
    const bad = update.changed.filter(({ name }) => name === "bad");
    if (bad.length > 0) throw new ConfigError(new Map([["bad", "no such thing"]]));
    this.updates.push(
      `${update.type}: ${[...update.changed.map(({ name }) => name), ...update.removed.map((name) => `-${name}`)].join(" ")}`,
    );
  }
  drain(): Promise<void> {
    this.updates.push("drain");
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  clusterStatus() {
    return [
      {
        name: "outbound|80||cart.shop.svc.cluster.local",
        endpoints: [],
        circuitBreakers: { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3 },
      },
    ];
  }
  listenerStatus() {
    return [{ name: "virtualOutbound", address: "0.0.0.0:15001", connections: 0 }];
  }
}

interface Started {
  readonly proxy: RunningProxy;
  readonly dataPlane: FakeDataPlane;
  readonly plane: FakeControlPlane;
  readonly output: () => string;
}

async function start(env: Record<string, string> = {}): Promise<Started> {
  const plane = await startFakeControlPlane();
  cleanups.push(() => plane.close());
  const root = mkdtempSync(join(tmpdir(), "slipway-proxy-"));
  cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ["var/run/secrets/tokens", "var/run/secrets/istio", "etc/istio/pod"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "var/run/secrets/tokens/istio-token"), "the-token\n");
  writeFileSync(join(root, "var/run/secrets/istio/root-cert.pem"), plane.rootCertificate);
  writeFileSync(join(root, "etc/istio/pod/labels"), 'app="storefront"\nversion="v1"\n');
  const config = readConfig({
    args: ["sidecar", "--domain", "shop.svc.cluster.local", "--log_output_level=default:info"],
    env: {
      POD_NAME: "storefront-7d9f6c5b4d-abcde",
      POD_NAMESPACE: "shop",
      INSTANCE_IP: "127.0.0.1",
      SERVICE_ACCOUNT: "storefront",
      PROXY_CONFIG: JSON.stringify({
        discoveryAddress: `127.0.0.1:${plane.port}`,
        terminationDrainDuration: "10ms",
        proxyAdminPort: 0,
        statusPort: 0,
      }),
      CA_ADDR: `127.0.0.1:${plane.port}`,
      ISTIOD_SAN: serverName,
      ENVOY_STATUS_PORT: "0",
      ENVOY_PROMETHEUS_PORT: "0",
      ...env,
    },
    root,
  });
  const dataPlane = new FakeDataPlane();
  let written = "";
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written += chunk.toString();
      done();
    },
  });
  const proxy = await buildProxy(config, {
    createDataPlane: (options) => {
      dataPlane.options = options;
      return dataPlane;
    },
    output,
    log: new Log("info", () => {}),
  });
  let stopped = false;
  cleanups.push(async () => {
    if (!stopped) await proxy.stop();
    stopped = true;
  });
  return { proxy, dataPlane, plane, output: () => written };
}

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text() };
};

function resource<Message>(
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

const cluster = (name: string) =>
  resource(typeUrls.cluster, Cluster, [
    name,
    Cluster.fromPartial({ name, clusterDiscoveryType: { $case: "type", value: 3 } }),
  ]);

function listener(name: string, routeConfigName: string) {
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
    routeSpecifier: {
      $case: "rds",
      value: { routeConfigName, configSource: { configSourceSpecifier: { $case: "ads", value: {} } } },
    },
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

const CART = "outbound|80||cart.shop.svc.cluster.local";

/** Says everything that a proxy needs to be ready. */
async function configure({ plane }: Started): Promise<void> {
  await plane.next(typeUrls.cluster);
  await plane.next(typeUrls.listener);
  plane.say({ typeUrl: typeUrls.cluster, nonce: "c1", systemVersionInfo: "1", resources: [cluster(CART)] });
  plane.say({
    typeUrl: typeUrls.listener,
    nonce: "l1",
    systemVersionInfo: "1",
    resources: [listener("0.0.0.0_80", "80")],
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

const record: RequestRecord = {
  direction: "outbound",
  protocol: "HTTP/1.1",
  startTime: 1_700_000_000_000,
  durationMs: 7,
  upstreamServiceTimeMs: 6,
  method: "GET",
  path: "/cart",
  authority: "cart",
  status: 503,
  flags: "UH",
  details: "no_healthy_upstream",
  bytesReceived: 0,
  bytesSent: 19,
  requestId: "id-1",
  forwardedFor: "",
  userAgent: "test",
  traceparent: "",
  routeName: "v2",
  cluster: CART,
  upstreamHost: "",
  upstreamLocalAddress: "",
  downstreamLocalAddress: "10.96.0.9:80",
  downstreamRemoteAddress: "10.244.0.7:1234",
  requestedServerName: "",
  attempts: 1,
  upstreamFailure: "",
  sourcePrincipal: "",
  destinationPrincipal: "",
  mutualTls: false,
  source: undefined,
  destination: undefined,
  destinationService: { host: "cart.shop.svc.cluster.local", name: "cart", namespace: "shop" },
  configSource: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart",
};

test("gets a certificate and configuration in an order that breaks nothing, and is ready only then", async () => {
  const started = await start();
  const { proxy, dataPlane, plane } = started;
  expect((await get(proxy.bound.health, "/healthz/ready")).status).toBe(503);
  await configure(started);
  expect(plane.tokens).toEqual(["Bearer the-token"]);
  expect(proxy.view.certificate()?.spiffeId).toBe("spiffe://cluster.local/ns/shop/sa/storefront");
  const { updates } = dataPlane;
  expect(updates.toSorted()).toEqual(
    [`cluster: ${CART}`, `endpoint: ${CART}`, "listener: 0.0.0.0_80", "route: 80", "secret: default ROOTCA"].toSorted(),
  );
  expect(updates.at(-1)).toBe("listener: 0.0.0.0_80");
  expect(updates.indexOf(`endpoint: ${CART}`)).toBeLessThan(updates.indexOf("route: 80"));
  expect(await get(proxy.bound.health, "/healthz/ready")).toEqual({ status: 200, text: "" });
  expect((await get(proxy.bound.admin, "/ready")).text).toBe("LIVE\n");
});

test("refuses what the data plane cannot use, names it, and keeps what it had", async () => {
  const started = await start();
  const { plane, proxy } = started;
  await configure(started);
  await plane.next(typeUrls.cluster);
  plane.say({ typeUrl: typeUrls.cluster, nonce: "c2", systemVersionInfo: "2", resources: [cluster("bad")] });
  expect(await plane.next(typeUrls.cluster)).toMatchObject({
    responseNonce: "c2",
    errorDetail: { message: "bad: no such thing" },
  });
  const dump = JSON.parse((await get(proxy.bound.admin, "/config_dump?include_eds")).text);
  const clusters = dump.configs.find((config: { "@type": string }) => config["@type"].endsWith("ClustersConfigDump"));
  expect(clusters.dynamic_active_clusters.map((one: { cluster: { name: string } }) => one.cluster.name)).toEqual([
    CART,
  ]);
});

test("the configuration dump opens every message and shows no key", async () => {
  const started = await start();
  await configure(started);
  const { text } = await get(started.proxy.bound.admin, "/config_dump?include_eds");
  const types = JSON.parse(text).configs.map((config: { "@type": string }) =>
    config["@type"].replace("type.googleapis.com/envoy.admin.v3.", ""),
  );
  expect(types).toEqual([
    "BootstrapConfigDump",
    "ClustersConfigDump",
    "EndpointsConfigDump",
    "ListenersConfigDump",
    "RoutesConfigDump",
    "SecretsConfigDump",
  ]);
  expect(text).toContain('"route_config_name": "80"');
  expect(text).toContain('"type": "EDS"');
  expect(text).toContain(Buffer.from("[redacted]").toString("base64"));
  expect(text).not.toContain(Buffer.from("-----BEGIN PRIVATE KEY").toString("base64").slice(0, 24));
});

test("a request becomes metrics, a log line and an event", async () => {
  const started = await start();
  await configure(started);
  const { proxy, dataPlane, output } = started;
  dataPlane.options?.sink.record(record);
  dataPlane.options?.sink.record({ ...record, status: 200, flags: "" });
  const { text } = await get(proxy.bound.status, "/stats/prometheus");
  expect(text).toContain(
    'istio_requests_total{reporter="source",source_workload="storefront",source_canonical_service="storefront"',
  );
  expect(text).toMatch(
    /istio_requests_total\{[^}]*destination_service="cart\.shop\.svc\.cluster\.local"[^}]*response_code="503"[^}]*response_flags="UH"[^}]*\} 1/,
  );
  expect(text).toMatch(/istio_request_duration_milliseconds_bucket\{[^}]*response_code="200"[^}]*le="10"\} 1/);

  const response = await fetch(`http://127.0.0.1:${proxy.bound.status}/slipway/requests?since=1`);
  const reader = response.body!.getReader();
  const line = JSON.parse(Buffer.from((await reader.read()).value!).toString());
  expect(line).toMatchObject({ seq: 2, path: "/cart", status: 200, routeName: "v2" });
  await reader.cancel();
  await proxy.stop();
  expect(output()).toBe("/cart 503 UH\n/cart 200 -\n");
});

test("probes and metrics of the application are passed on", async () => {
  const application = createServer((request, response) => {
    response.statusCode = request.url === "/metrics" || request.url === "/ok" ? 200 : 500;
    response.end(request.url === "/metrics" ? "application_total 5\n" : "");
  });
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => application.close());
  const { port } = application.address() as AddressInfo;
  const { proxy } = await start({
    ISTIO_KUBE_APP_PROBERS: JSON.stringify({
      "/app-health/shop/readyz": { httpGet: { path: "/ok", port } },
      "/app-health/shop/livez": { httpGet: { path: "/broken", port } },
      "/app-health/shop/startupz": { tcpSocket: { port } },
    }),
    ISTIO_PROMETHEUS_ANNOTATIONS: JSON.stringify({ scrape: "true", path: "/metrics", port: String(port) }),
  });
  const statuses = await Promise.all(
    ["readyz", "livez", "startupz", "none"].map(
      async (name) => (await get(proxy.bound.status, `/app-health/shop/${name}`)).status,
    ),
  );
  expect(statuses).toEqual([200, 500, 200, 404]);
  expect((await get(proxy.bound.status, "/stats/prometheus")).text).toContain("application_total 5");
});

test("the admin port answers as Envoy's does", async () => {
  const started = await start();
  await configure(started);
  const { admin } = started.proxy.bound;
  expect((await get(admin, "/clusters")).text).toContain(`${CART}::default_priority::max_connections::1\n`);
  expect(JSON.parse((await get(admin, "/clusters?format=json")).text).cluster_statuses[0].name).toBe(CART);
  expect((await get(admin, "/listeners")).text).toBe("virtualOutbound::0.0.0.0:15001\n");
  expect((await get(admin, "/stats?filter=cds")).text).toBe(
    "cluster_manager.cds.update_rejected: 0\ncluster_manager.cds.update_success: 1\n",
  );
  expect(JSON.parse((await get(admin, "/server_info")).text)).toMatchObject({
    state: "LIVE",
    node: { id: "sidecar~127.0.0.1~storefront-7d9f6c5b4d-abcde.shop~shop.svc.cluster.local" },
  });
  expect(JSON.parse((await get(admin, "/certs")).text).certificates[0].cert_chain[0].subject_alt_names).toEqual([
    { uri: "spiffe://cluster.local/ns/shop/sa/storefront" },
  ]);
  const logging = await fetch(`http://127.0.0.1:${admin}/logging?level=debug`, { method: "POST" });
  expect(await logging.text()).toBe("active loggers:\n  agent: debug\n");
  expect((await get(admin, "/quitquitquit")).status).toBe(405);
  expect((await get(admin, "/nothing")).status).toBe(404);
});

test("draining: not ready at once", async () => {
  const started = await start();
  await configure(started);
  const { proxy, dataPlane } = started;
  proxy.view.drain();
  expect((await get(proxy.bound.health, "/healthz/ready")).text).toBe("the proxy is draining\n");
  await proxy.stop();
  expect(dataPlane.updates.at(-1)).toBe("drain");
});
