import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import { CART, cluster, configure, listener } from "./agent/testing/configuration.ts";
import { failedRequest } from "./agent/testing/records.ts";
import { type Started, startProxy } from "./agent/testing/start-proxy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const start = (env: Record<string, string> = {}): Promise<Started> => startProxy(cleanups, env);

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text() };
};

test("gets a certificate and configuration in an order that breaks nothing, and is ready only then", async () => {
  const started = await start();
  const { proxy, dataPlane, plane } = started;
  expect((await get(proxy.bound.health, "/healthz/ready")).status).toBe(503);
  await configure(started.plane);
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
  await configure(started.plane);
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
  await configure(started.plane);
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
  expect((await get(started.proxy.bound.status, "/slipway/config_dump?include_eds")).text).toBe(text);
  expect(text).toContain('"route_config_name": "80"');
  expect(text).toContain('"type": "EDS"');
  expect(text).toContain(Buffer.from("[redacted]").toString("base64"));
  expect(text).not.toContain(Buffer.from("-----BEGIN PRIVATE KEY").toString("base64").slice(0, 24));
});

test("routes that a listener brings along are in the dump as static ones", async () => {
  const { plane, proxy } = await start();
  await configure(plane);
  const inline = { $case: "routeConfig" as const, value: RouteConfiguration.fromPartial({ name: "inbound|8080||" }) };
  const resources = [listener("inbound", inline)];
  plane.say({ typeUrl: typeUrls.listener, nonce: "l2", systemVersionInfo: "2", resources });
  expect(await plane.next(typeUrls.listener)).toMatchObject({ responseNonce: "l2", errorDetail: undefined });
  const names = async (list: string): Promise<readonly string[]> => {
    const { text } = await get(proxy.bound.admin, `/config_dump?resource=${list}`);
    return JSON.parse(text).configs.map((one: { route_config: { name: string } }) => one.route_config.name);
  };
  expect(await names("static_route_configs")).toEqual(["inbound|8080||"]);
  expect(await names("dynamic_route_configs")).toEqual(["80"]);
});

test("a request becomes metrics, a log line and an event", async () => {
  const started = await start();
  await configure(started.plane);
  const { proxy, dataPlane, output } = started;
  dataPlane.options?.sink.record(failedRequest);
  dataPlane.options?.sink.record({ ...failedRequest, status: 200, flags: "" });
  const { text } = await get(proxy.bound.status, "/stats/prometheus");
  expect(text).toContain(
    'istio_requests_total{reporter="source",source_workload="storefront",source_canonical_service="storefront"',
  );
  expect(text).toMatch(
    /istio_requests_total\{[^}]*destination_service="cart\.shop\.svc\.cluster\.local"[^}]*response_code="503"[^}]*response_flags="UH"[^}]*\} 1/,
  );
  expect((await get(proxy.bound.status, "/stats/prometheus?filter=^istio_tcp")).text).not.toContain(
    "istio_requests_total",
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
  await configure(started.plane);
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
  await configure(started.plane);
  const { proxy, dataPlane } = started;
  proxy.view.drain();
  expect((await get(proxy.bound.health, "/healthz/ready")).text).toBe("the proxy is draining\n");
  await proxy.stop();
  expect(dataPlane.updates.at(-1)).toBe("drain");
});
