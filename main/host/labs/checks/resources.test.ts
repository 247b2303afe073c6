import { expect, test } from "vitest";
import type { ProxyUsePoint } from "#api/rpc/telemetry.ts";
import type { CheckContext } from "./outcome.ts";
import { checkResources } from "./resources.ts";

const points: readonly ProxyUsePoint[] = [
  {
    time: 1,
    uses: [
      { role: "sidecar", namespace: "fleet", proxies: 4, memoryBytes: 240e6, processors: 0.4 },
      { role: "sidecar", namespace: "shop", proxies: 9, memoryBytes: 900e6, processors: 0.9 },
      { role: "ztunnel", namespace: "istio-system", proxies: 1, memoryBytes: 80e6, processors: 0.1 },
    ],
  },
];
const context = (seen: readonly ProxyUsePoint[]): CheckContext => ({
  measurements: new Proxy({} as CheckContext["measurements"], { get: () => () => seen }),
  applied: [],
  signal: AbortSignal.timeout(10_000),
  onProgress: () => undefined,
});
const check = {
  type: "resources",
  id: "less",
  what: "memory",
  window: 1,
  proxiesAtLeast: 1,
  of: { role: "ztunnel" },
  against: { of: { role: "sidecar", namespace: "fleet" }, shareAtMost: 0.5 },
} as const;

test.each([
  [check, points, true, "ztunnel: 1 with 80 MB; sidecar in fleet: 4 with 240 MB: 33.3 % of it"],
  [{ ...check, against: { ...check.against, shareAtMost: 0.2 } }, points, false, "33.3 % of it"],
  [{ ...check, what: "processor" } as const, points, true, "10.0 % of a processor; sidecar in fleet: 4 with 40.0 %"],
  [{ ...check, of: { role: "waypoint" } } as const, points, false, "waypoint: 0 with 0 MB"],
  [{ ...check, against: undefined, proxiesAtLeast: 2 }, points, false, "ztunnel: 1 with 80 MB"],
  [{ ...check, against: undefined, proxiesAtMost: 0 }, points, false, "ztunnel: 1 with 80 MB"],
  [check, [], false, "ztunnel: 0 with 0 MB; sidecar in fleet: 0 with 0 MB"],
])("resources %#", async (definition, seen, passed, observed) => {
  const outcome = await checkResources(definition, context(seen));
  expect(outcome.observed).toContain(observed);
  expect(outcome.passed).toBe(passed);
});
