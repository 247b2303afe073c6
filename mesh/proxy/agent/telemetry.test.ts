import { expect, test } from "vitest";
import { Registry } from "#mesh/lib/metrics/registry.ts";
import type { PeerMetadata } from "../request-record.ts";
import { IstioMetrics, istioLabels } from "./telemetry.ts";
import { failedRequest } from "./testing/records.ts";

const peer = (workload: string, version: string): PeerMetadata => ({
  name: `${workload}-abc`,
  namespace: "shop",
  workload,
  app: workload,
  version,
  canonicalService: workload,
  canonicalRevision: version,
  cluster: "Kubernetes",
});
const self = peer("cart-v1", "v1");
const id = (account: string): string => `spiffe://cluster.local/ns/shop/sa/${account}`;
const inbound = {
  ...failedRequest,
  direction: "inbound",
  status: 200,
  flags: "",
  source: peer("storefront", "v1"),
  sourcePrincipal: id("storefront"),
  destinationPrincipal: id("cart"),
  mutualTls: true,
} as const;

test("labels: the receiver knows the security, the sender does not; what is not known is said to be unknown", () => {
  const received = Object.fromEntries(istioLabels(inbound, self));
  expect(received).toMatchObject({
    reporter: "destination",
    source_workload: "storefront",
    destination_workload: "cart-v1",
    connection_security_policy: "mutual_tls",
    response_flags: "-",
  });
  const sent = Object.fromEntries(istioLabels(failedRequest, self));
  expect(sent).toMatchObject({
    reporter: "source",
    source_workload: "cart-v1",
    destination_workload: "unknown",
    connection_security_policy: "unknown",
    response_flags: "UH",
  });
  expect(Object.keys(sent)).toEqual(Object.keys(received));
});

test.each([
  ["passed on as HTTP", { cluster: "PassthroughCluster", routeName: "allow_any" }, "PassthroughCluster", "api.example"],
  ["refused as HTTP", { cluster: "", routeName: "block_all", status: 502 }, "BlackHoleCluster", "api.example"],
  ["refused as TCP", { cluster: "BlackHoleCluster", protocol: "TCP", authority: "" }, "BlackHoleCluster", "unknown"],
  [
    "to a port that no service names",
    { cluster: "InboundPassthroughCluster", direction: "inbound" },
    "InboundPassthroughCluster",
    "unknown",
  ],
] as const)("unknown traffic is counted where it ended: %s", (_, fields, name, host) => {
  const record = { ...failedRequest, authority: "api.example:8080", destinationService: undefined, ...fields };
  expect(Object.fromEntries(istioLabels(record, self))).toMatchObject({
    destination_service_name: name,
    destination_service: host,
  });
});

/** Requests counted by the value of one label. */
function counts(registry: Registry, label: string): Record<string, number> {
  const lines = registry
    .text("prometheus", (name) => name === "istio_requests_total")
    .split("\n")
    .filter((line) => line.startsWith("istio_"));
  return Object.fromEntries(
    lines.map((line) => [new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1], Number(line.split(" ").at(-1))]),
  );
}

test("the same pod name in another namespace, another caller or another status is another series", () => {
  const registry = new Registry();
  const metrics = new IstioMetrics(registry, self);
  const elsewhere = { ...peer("storefront", "v1"), namespace: "other" };
  for (const record of [inbound, inbound, { ...inbound, source: elsewhere }, inbound]) metrics.record(record);
  expect(counts(registry, "source_workload_namespace")).toEqual({ shop: 3, other: 1 });
  metrics.record({ ...inbound, status: 500 });
  expect(counts(registry, "response_code")).toMatchObject({ 500: 1 });
});

test("connections that are no HTTP count as TCP, without a status", () => {
  const registry = new Registry();
  const metrics = new IstioMetrics(registry, self);
  metrics.record({ ...inbound, protocol: "TCP", status: 0, bytesSent: 10, bytesReceived: 3 });
  const text = registry.text();
  expect(text).toMatch(/istio_tcp_sent_bytes_total\{[^}]*request_protocol="tcp",response_flags="-"[^}]*\} 10/);
  expect(text).toMatch(/istio_tcp_received_bytes_total\{.*\} 3/);
  expect(text).toMatch(/istio_tcp_connections_opened_total\{.*\} 1/);
  expect(text).not.toContain("istio_requests_total");
});
