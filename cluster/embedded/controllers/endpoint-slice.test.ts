import { expect, test } from "vitest";
import type { Pod, Service } from "../node/kinds.ts";
import { slicesOf } from "./endpoint-slice.ts";

const service = (spec: Partial<NonNullable<Service["spec"]>>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "cart", namespace: "shop", uid: "s" },
  spec: { selector: { app: "cart" }, ports: [{ name: "http", port: 80, targetPort: "http" }], ...spec },
});
const pod = (
  name: string,
  change: { ip?: string; ready?: boolean; deleting?: boolean; phase?: string; port?: number } = {},
): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid: name,
      ...(change.deleting && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: {
      nodeName: "one",
      containers: [{ name: "c", ports: [{ name: "http", containerPort: change.port ?? 8080 }] }],
    },
    status: {
      phase: change.phase ?? "Running",
      podIP: change.ip ?? "10.244.0.5",
      conditions: [{ type: "Ready", status: change.ready === false ? "False" : "True" }],
    },
  }) as Pod;
const slices = (of: Service, ...pods: Pod[]) => slicesOf(of, pods, () => "north");

test("a ready pod with its named port, node and zone", () => {
  expect(slices(service({}), pod("a"))).toMatchObject([
    {
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [
        {
          addresses: ["10.244.0.5"],
          nodeName: "one",
          zone: "north",
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: "Pod", name: "a" },
        },
      ],
    },
  ]);
});

test.each([
  ["not ready", pod("a", { ready: false }), { ready: false, serving: false, terminating: false }],
  ["ending but still serving", pod("a", { deleting: true }), { ready: false, serving: true, terminating: true }],
])("a pod that is %s", (_, one, conditions) => {
  expect(slices(service({}), one)[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
});

test("publishNotReadyAddresses makes every pod ready", () => {
  expect(
    slices(service({ publishNotReadyAddresses: true }), pod("a", { ready: false }))[0]?.endpoints?.[0]?.conditions
      ?.ready,
  ).toBe(true);
});

test("pods without an address and ended ones are left out; the slice stays", () => {
  expect(slices(service({}), pod("a", { ip: "" }), pod("b", { phase: "Failed" }))).toMatchObject([
    { endpoints: [], ports: [] },
  ]);
});

test("a named port with different numbers makes two slices", () => {
  const result = slices(service({}), pod("a"), pod("b", { port: 9090 }));
  expect(result.map((slice) => slice.ports?.[0]?.port)).toEqual([8080, 9090]);
});

test("more than a hundred pods make several slices", () => {
  const many = Array.from({ length: 150 }, (_, index) => pod(`p${index}`, { ip: `10.244.1.${index}` }));
  expect(slices(service({}), ...many).map((slice) => slice.endpoints?.length)).toEqual([100, 50]);
});
