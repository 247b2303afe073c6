import { expect, test } from "vitest";
import { dumpSchema } from "./dump.ts";
import { certificatesTable, connectionsTable, policiesTable, servicesTable, workloadsTable } from "./tables.ts";

const dump = dumpSchema.parse({
  workloads: [
    { name: "ledger-1", namespace: "bank", workloadIps: ["10.244.0.5"], node: "one", protocol: "HBONE" },
    {
      name: "cart-1",
      namespace: "shop",
      workloadIps: ["10.244.0.6"],
      node: "two",
      protocol: "NONE",
      waypoint: { destination: "shop/waypoint.shop.svc.cluster.local" },
    },
  ],
  services: [
    {
      name: "ledger",
      namespace: "bank",
      vips: ["/10.96.0.7"],
      endpoints: { a: { status: "Healthy" }, b: { status: "Unhealthy" } },
    },
  ],
  policies: [{ name: "callers", namespace: "bank", action: "Deny", scope: "WorkloadSelector" }],
  certificates: [
    {
      identity: "spiffe://cluster.local/ns/bank/sa/ledger",
      state: "Available",
      certChain: [{ serialNumber: "12", validFrom: "2026-01-01T00:00:00Z", expirationTime: "2026-01-02T00:00:00Z" }],
      rootCerts: [{ serialNumber: "1", validFrom: "2026-01-01T00:00:00Z", expirationTime: "2036-01-01T00:00:00Z" }],
    },
    { identity: "spiffe://cluster.local/ns/shop/sa/cart", state: "Initializing" },
  ],
  workloadState: {
    "bank/ledger-1": {
      connections: {
        inbound: [
          { src: "10.244.0.6:4000", originalDst: "10.244.0.5:8080", actualDst: "10.244.0.5:15008", protocol: "HBONE" },
        ],
        outbound: [{ src: "10.244.0.5:4001", originalDst: "192.0.2.1:443", actualDst: "192.0.2.1:443" }],
      },
    },
  },
});

test("workloads", () => {
  expect(workloadsTable(dump, {}).split("\n")).toEqual([
    "NAMESPACE   POD NAME   ADDRESS      NODE   WAYPOINT                          PROTOCOL",
    "bank        ledger-1   10.244.0.5   one    None                              HBONE",
    "shop        cart-1     10.244.0.6   two    waypoint.shop.svc.cluster.local   TCP",
  ]);
  expect(workloadsTable(dump, { namespace: "bank" })).not.toContain("cart");
  expect(workloadsTable(dump, { address: "10.244.0.6" })).not.toContain("ledger");
  expect(workloadsTable(dump, { node: "two" })).not.toContain("ledger");
});

test("services count their healthy endpoints", () => {
  expect(servicesTable(dump, {}).split("\n")).toEqual([
    "NAMESPACE   SERVICE NAME   SERVICE VIP   WAYPOINT   ENDPOINTS",
    "bank        ledger         10.96.0.7     None       1/2",
  ]);
});

test("policies", () => {
  expect(policiesTable(dump, {}).split("\n")).toEqual([
    "NAMESPACE   POLICY NAME   ACTION   SCOPE",
    "bank        callers       Deny     WorkloadSelector",
  ]);
});

test("certificates, with what is still being asked for", () => {
  const rows = certificatesTable(dump, Date.parse("2026-01-03T00:00:00Z")).split("\n");
  expect(rows.slice(1).map((row) => row.split(/ {3,}/))).toEqual([
    [
      "spiffe://cluster.local/ns/bank/sa/ledger",
      "Leaf",
      "Available",
      "false",
      "12",
      "2026-01-02T00:00:00Z",
      "2026-01-01T00:00:00Z",
    ],
    [
      "spiffe://cluster.local/ns/bank/sa/ledger",
      "Root",
      "Available",
      "true",
      "1",
      "2036-01-01T00:00:00Z",
      "2026-01-01T00:00:00Z",
    ],
    ["spiffe://cluster.local/ns/shop/sa/cart", "Leaf", "Initializing", "false"],
  ]);
});

test("connections", () => {
  expect(connectionsTable(dump, {}).split("\n")).toEqual([
    "WORKLOAD        DIRECTION   LOCAL             REMOTE            REMOTE TARGET   PROTOCOL",
    "ledger-1.bank   Inbound     10.244.0.5:8080   10.244.0.6:4000                   HBONE",
    "ledger-1.bank   Outbound    10.244.0.5:4001   192.0.2.1:443                     TCP",
  ]);
  expect(connectionsTable(dump, { direction: "inbound" })).not.toContain("Outbound");
});
