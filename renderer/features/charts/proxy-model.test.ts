import { expect, test } from "vitest";
import type { ProxyUse, ProxyUsePoint } from "#api/rpc/telemetry.ts";
import { groupsOf, summarizeGroup } from "./proxy-model.ts";

const use = (role: ProxyUse["role"], namespace: string, megabytes: number, processors = 0): ProxyUse => ({
  role,
  namespace,
  proxies: 2,
  memoryBytes: megabytes * 1e6,
  processors,
});
const points: readonly ProxyUsePoint[] = [
  { time: 1000, uses: [use("ztunnel", "istio-system", 80), use("sidecar", "shop", 100, 0.2)] },
  { time: 2000, uses: [use("sidecar", "shop", 200, 0.4), use("sidecar", "bank", 50)] },
];

test("groups come in an order that does not change with who reports first", () => {
  expect(groupsOf(points).map(({ name }) => name)).toEqual(["sidecars of bank", "sidecars of shop", "ztunnel"]);
  expect(groupsOf([])).toEqual([]);
});

test("a group is summed up over the seconds in which it was there", () => {
  const [bank, shop] = groupsOf(points);
  expect(summarizeGroup(points, shop!)).toEqual({ proxies: 2, memoryBytes: 150e6, processors: expect.closeTo(0.3) });
  expect(summarizeGroup(points.slice(0, 1), bank!)).toBeUndefined();
});
