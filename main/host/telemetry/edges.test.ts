import { describe, expect, test } from "vitest";
import { MetricsHistory } from "./metrics-history.ts";
import { parseSample } from "./prometheus.ts";
import { topologyOf } from "./topology.ts";

const labels = (more: Record<string, string>): string =>
  Object.entries({
    source_workload: "storefront",
    source_workload_namespace: "shop",
    destination_workload: "cart-v1",
    destination_workload_namespace: "shop",
    destination_app: "cart",
    destination_version: "v1",
    destination_service_name: "cart",
    ...more,
  })
    .map(([name, value]) => `${name}="${value}"`)
    .join(",");

const requests = (count: number, more: Record<string, string> = {}): string =>
  `istio_requests_total{${labels({ reporter: "source", response_code: "200", response_flags: "-", ...more })}} ${count}\n`;
const bucket = (le: string, count: number): string =>
  `istio_request_duration_milliseconds_bucket{${labels({ reporter: "source", le })}} ${count}\n`;
const secured = (count: number, policy: string): string =>
  requests(count, { reporter: "destination", connection_security_policy: policy });

const history = (...samples: [pod: string, seconds: number, text: string][]): MetricsHistory => {
  const result = new MetricsHistory();
  for (const [pod, seconds, text] of samples) result.add(pod, parseSample(text, seconds * 1000, "istio_"));
  return result;
};

describe("edges", () => {
  test("count what happened inside the window only", () => {
    const [edge, ...rest] = history(
      ["a", 0, requests(100) + bucket("10", 100) + bucket("+Inf", 100)],
      [
        "a",
        5,
        requests(130) +
          requests(10, { response_code: "503", response_flags: "UH" }) +
          bucket("10", 120) +
          bucket("+Inf", 140),
      ],
      ["b", 0, secured(100, "none")],
      ["b", 5, secured(100, "none") + secured(30, "mutual_tls")],
    ).edges(0, 5000);
    expect(rest).toEqual([]);
    expect(edge).toMatchObject({
      requests: 40,
      errors: 10,
      mutualTls: { secured: 30, all: 30 },
      destination: { app: "cart", version: "v1" },
    });
    expect(edge?.byFlag).toEqual(new Map([["UH", 10]]));
    expect(edge?.p50Ms).toBeCloseTo(10, 5);
  });

  test("a proxy that restarted counts from zero", () => {
    expect(history(["a", 0, requests(100)], ["a", 1, requests(3)]).edges(0, 1000)[0]?.requests).toBe(3);
  });

  test("what a proxy counted before the host looked is not traffic of now", () => {
    expect(history(["a", 10, requests(5000)], ["a", 11, requests(5002)]).edges(5000, 11000)[0]?.requests).toBe(2);
  });

  test("a request that reached nobody still names the service that was meant", () => {
    const text = requests(4, {
      destination_workload: "unknown",
      destination_workload_namespace: "unknown",
      destination_service_namespace: "shop",
      response_code: "503",
    });
    const [edge] = history(["a", 0, ""], ["a", 1, text]).edges(0, 1000);
    expect(edge).toMatchObject({ destination: { name: "cart", namespace: "shop" }, errors: 4 });
  });
});

test("the topology shows workloads without traffic too", () => {
  const edges = history(["a", 0, ""], ["a", 1, requests(10)]).edges(0, 1000);
  const known = ["storefront", "cart-v1", "cart-v2"].map((name) => ({
    namespace: "shop",
    name,
    app: name.split("-")[0]!,
    version: "v1",
    gateway: false,
    pods: { ready: 1, total: 1 },
  }));
  const topology = topologyOf(known, edges, 1);
  expect(topology.nodes.map((node) => node.id)).toEqual(["shop/cart-v1", "shop/cart-v2", "shop/storefront"]);
  expect(topology.edges).toMatchObject([
    { from: "shop/storefront", to: "shop/cart-v1", requestsPerSecond: 10, errorShare: 0 },
  ]);
});
