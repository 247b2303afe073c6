import type { IPod } from "kubernetes-models/v1/Pod";
import { expect, test } from "vitest";
import { ProxyUseHistory, roleOf } from "./proxy-use.ts";

const pod = (uid: string, namespace: string, labels: Record<string, string> = {}): IPod =>
  ({ metadata: { uid, namespace, labels } }) as IPod;
const metrics = (cpu: number, megabytes: number): string =>
  `# TYPE process_cpu_seconds_total gauge\nprocess_cpu_seconds_total ${cpu}\n# TYPE x gauge\nprocess_resident_memory_bytes ${megabytes * 1e6}\n`;

test.each([
  [{ app: "ztunnel" }, "ztunnel"],
  [{ istio: "ingressgateway" }, "gateway"],
  [{ "gateway.istio.io/managed": "istio.io-mesh-controller" }, "waypoint"],
  [{ app: "cart" }, "sidecar"],
])("a pod with labels %j has a %s", (labels, role) => expect(roleOf(pod("1", "shop", labels))).toBe(role));

test("proxies of one kind and namespace are summed, processors are counted between two readings", () => {
  const history = new ProxyUseHistory();
  history.add(pod("a", "shop"), metrics(10, 50), 1000);
  history.add(pod("b", "shop"), metrics(5, 60), 1000);
  history.add(pod("z", "istio-system", { app: "ztunnel" }), metrics(1, 80), 1000);
  history.tick(1000);
  history.add(pod("a", "shop"), metrics(10.5, 52), 2000);
  history.add(pod("b", "shop"), metrics(5.25, 60), 2000);
  // A proxy that was started anew begins to count anew.
  history.add(pod("z", "istio-system", { app: "ztunnel" }), metrics(0.2, 70), 2000);
  history.tick(2000);
  expect(history.points(10)).toEqual([
    {
      time: 1000,
      uses: [
        { role: "sidecar", namespace: "shop", proxies: 2, memoryBytes: 110e6, processors: 0 },
        { role: "ztunnel", namespace: "istio-system", proxies: 1, memoryBytes: 80e6, processors: 0 },
      ],
    },
    {
      time: 2000,
      uses: [
        { role: "sidecar", namespace: "shop", proxies: 2, memoryBytes: 112e6, processors: 0.75 },
        { role: "ztunnel", namespace: "istio-system", proxies: 1, memoryBytes: 70e6, processors: 0 },
      ],
    },
  ]);
});

test("who is not heard of any more is not counted, and who says nothing of itself never was", () => {
  const history = new ProxyUseHistory();
  history.add(pod("a", "shop"), metrics(1, 50), 0);
  history.add(pod("b", "shop"), "istio_requests_total 1\n", 0);
  history.tick(10_000);
  expect(history.points(1)).toEqual([{ time: 10_000, uses: [] }]);
});
