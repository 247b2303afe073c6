import { expect, test } from "vitest";
import { ConfigurationError, parseDuration, readConfig } from "./config.ts";

const env = { POD_NAME: "cart-v1-7d9f6c5b4d-abcde", POD_NAMESPACE: "shop", INSTANCE_IP: "10.244.0.7" };

test("reads what the injector writes", () => {
  const config = readConfig({
    args: [
      "router",
      "--domain",
      "shop.svc.cluster.local",
      "--proxyLogLevel=warning",
      "--proxyComponentLogLevel=misc:error",
      "--log_output_level=default:warn",
    ],
    env: {
      ...env,
      PROXY_CONFIG: '{"discoveryAddress":"istiod.istio-system.svc:15012","terminationDrainDuration":"20s"}',
      CA_ADDR: "ca:15012",
      ISTIO_META_CLUSTER_ID: "east",
      ISTIO_META_INTERCEPTION_MODE: "REDIRECT",
      ISTIO_METAJSON_EXTRA: '{"PLATFORM":{"zone":"a"}}',
      ISTIO_PROMETHEUS_ANNOTATIONS: '{"scrape":"true","path":"","port":"9000"}',
    },
    root: "/nonexistent",
  });
  expect(config).toMatchObject({
    role: "router",
    pod: { workload: "cart-v1", serviceAccount: "default" },
    cluster: "east",
    drainMs: 20_000,
    logLevel: "warn",
    certificateAddress: "ca:15012",
    metadata: { INTERCEPTION_MODE: "REDIRECT", PLATFORM: { zone: "a" } },
    applicationMetrics: { path: "/metrics", port: 9000 },
    ports: { admin: 15000, status: 15020, health: 15021, prometheus: 15090 },
    protocol: "delta",
  });
});

test.each([
  [["gateway"], {}, 'sidecar, router or waypoint, not "gateway"'],
  [["sidecar", "--nonsense"], {}, "--nonsense"],
  [["sidecar"], { POD_NAME: "" }, "POD_NAME is not set"],
  [["sidecar"], { PROXY_CONFIG: "{" }, "PROXY_CONFIG is not JSON"],
  [["sidecar"], { CA_ADDR: "istiod" }, "CA_ADDR must be host:port"],
  [["sidecar"], { SECRET_TTL: "a day" }, "SECRET_TTL must be a duration"],
  [["sidecar"], { SECRET_GRACE_PERIOD_RATIO: "2" }, "between 0 and 1"],
  [["sidecar"], { ENVOY_STATUS_PORT: "99999" }, "ENVOY_STATUS_PORT must be a port"],
  [["sidecar", "--log_output_level=loud"], {}, "--log_output_level"],
])("%j %j is refused", (args, extra, message) => {
  const read = () => readConfig({ args, env: { ...env, ...extra }, root: "/nonexistent" });
  expect(read).toThrow(ConfigurationError);
  expect(read).toThrow(message);
});

test.each([
  ["24h", 86_400],
  ["1h30m", 5400],
  ["250ms", 0.25],
  ["5", undefined],
  ["", undefined],
])("duration %s", (text, seconds) => expect(parseDuration(text)).toBe(seconds));
