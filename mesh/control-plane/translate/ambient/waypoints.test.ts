import { describe, expect, test } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { ConfigStore } from "../../ingest/store.ts";
import { waypointOfService, waypointOfWorkload } from "./waypoints.ts";

type Labels = Readonly<Record<string, string>>;
type From = object | undefined;

const gateway = (labels: Labels, from: From, ready = true): KubeObject & { spec: object; status: object } => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "wp", namespace: "shop", labels },
  spec: {
    gatewayClassName: "istio-waypoint",
    listeners: [
      { name: "mesh", port: 15_008, protocol: "HBONE", ...(from && { allowedRoutes: { namespaces: from } }) },
    ],
  },
  status: ready ? { addresses: [{ type: "Hostname", value: "wp.shop.svc.cluster.local" }] } : {},
});

interface World {
  readonly namespace?: string;
  readonly namespaceLabels?: Labels;
  readonly own?: Labels;
  readonly waypoint?: Labels;
  readonly from?: From;
  readonly ready?: boolean;
}

function bindings({ namespace = "shop", namespaceLabels = {}, own = {}, waypoint = {}, from, ready }: World) {
  const store = new ConfigStore();
  store.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: namespaceLabels } });
  store.put(gateway(waypoint, from, ready));
  const metadata = { name: "cart", namespace, labels: own };
  store.put({ apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "10.96.0.9" } } as KubeObject);
  store.put({ apiVersion: "v1", kind: "Pod", metadata, spec: {}, status: { podIP: "10.244.0.9" } } as KubeObject);
  const snapshot = store.build();
  const tell = (binding: ReturnType<typeof waypointOfService>): string =>
    binding.kind === "refused" ? binding.reason : binding.kind;
  return {
    service: tell(waypointOfService(snapshot, snapshot.services.get(`cart.${namespace}.svc.cluster.local`)!)),
    workload: tell(waypointOfWorkload(snapshot, snapshot.workloads.get(`${namespace}/cart`)!)),
  };
}

const use: Labels = { "istio.io/use-waypoint": "wp" };
const useOfShop: Labels = { ...use, "istio.io/use-waypoint-namespace": "shop" };
const forAll: Labels = { "istio.io/waypoint-for": "all" };

describe("which waypoint something is behind", () => {
  test.each<[string, World, string, string]>([
    ["none without a label", {}, "none", "none"],
    ["services only, if the waypoint says nothing", { namespaceLabels: use }, "bound", "none"],
    ["services and workloads of one for all", { namespaceLabels: use, waypoint: forAll }, "bound", "bound"],
    [
      "workloads of one for workloads",
      { own: use, waypoint: { "istio.io/waypoint-for": "workload" } },
      "UnsupportedTrafficType",
      "bound",
    ],
    [
      "nothing of one for none",
      { own: use, waypoint: { "istio.io/waypoint-for": "none" } },
      "UnsupportedTrafficType",
      "UnsupportedTrafficType",
    ],
    [
      "its own word counts first",
      { namespaceLabels: use, own: { "istio.io/use-waypoint": "none" }, waypoint: forAll },
      "none",
      "none",
    ],
    [
      "a waypoint that is not there",
      { own: { "istio.io/use-waypoint": "other" } },
      "WaypointIsNotReady",
      "WaypointIsNotReady",
    ],
    ["a waypoint that is not ready", { own: use, ready: false }, "WaypointIsNotReady", "WaypointIsNotReady"],
    [
      "another namespace's, which lets nobody in",
      { namespace: "bank", own: useOfShop },
      "AttachmentDenied",
      "AttachmentDenied",
    ],
    [
      "another namespace's, which lets all in",
      { namespace: "bank", own: useOfShop, from: { from: "All" } },
      "bound",
      "UnsupportedTrafficType",
    ],
    [
      "another namespace's, which chooses by labels",
      {
        namespace: "bank",
        own: useOfShop,
        namespaceLabels: { team: "a" },
        from: { from: "Selector", selector: { matchLabels: { team: "a" } } },
      },
      "bound",
      "UnsupportedTrafficType",
    ],
    [
      "another namespace's, which chooses others",
      {
        namespace: "bank",
        own: useOfShop,
        from: { from: "Selector", selector: { matchExpressions: [{ key: "team", operator: "Exists" }] } },
      },
      "AttachmentDenied",
      "AttachmentDenied",
    ],
    [
      "a waypoint itself is behind none",
      { namespaceLabels: use, own: { "gateway.istio.io/managed": "istio.io-mesh-controller" }, waypoint: forAll },
      "none",
      "none",
    ],
  ])("%s", (_, world, service, workload) => {
    expect(bindings(world)).toEqual({ service, workload });
  });
});
