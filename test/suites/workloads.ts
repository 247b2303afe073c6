import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Slipway } from "../e2e/support/slipway.ts";
import { SteadyClient } from "./steady-client.ts";

const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {app: once}}
    spec:
      restartPolicy: Never
      containers:
        - name: once
          image: slipway/apps:0.1.0
          args: [tools, client, "http://catalog/"]
`;

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: shop}
spec: {mtls: {mode: STRICT}}
`;

/** What people's workloads need of a mesh beside its traffic. The same on every cluster; takes a Slipway whose cluster is ready. */
export function workloadsSuite(ready: () => Slipway): void {
  async function apply(text: string): Promise<void> {
    const file = join(ready().state, "workloads.yaml");
    await writeFile(file, text);
    await ready().kubectl("apply", "-f", file);
  }

  test("a Job with a proxy reaches the mesh from its first moment, and finishes", async () => {
    await apply(job);
    await ready().kubectl("-n", "shop", "wait", "--for=condition=complete", "job/once", "--timeout=90s");
    const containers = await ready().kubectl(
      ...["-n", "shop", "get", "pods", "-l", "app=once", "-o"],
      "jsonpath={.items[0].spec.initContainers[*].name} {.items[0].status.phase}",
    );
    expect(containers).toMatch(/istio-proxy.* Succeeded$/);
    await ready().kubectl("-n", "shop", "delete", "job", "once");
  });

  test("probes reach a pod that takes mutual TLS only", async () => {
    await apply(strict);
    try {
      await ready().kubectl("-n", "shop", "rollout", "restart", "deployment/catalog");
      await ready().kubectl("-n", "shop", "rollout", "status", "deployment/catalog", "--timeout=120s");
      const path = "jsonpath={.items[0].spec.containers[?(@.name!='istio-proxy')].readinessProbe.httpGet.path}";
      const probe = await ready().kubectl("-n", "shop", "get", "pods", "-l", "app=catalog", "-o", path);
      expect(probe).toMatch(/^\/app-health\//);
    } finally {
      await ready().kubectl("-n", "shop", "delete", "peerauthentication", "strict");
    }
  });

  test("everything in the shop and its gateway is replaced without a failed request", async () => {
    const { shop } = await ready().status();
    const client = new SteadyClient({ url: `${shop}cart`, rate: 20, patienceMs: 0 });
    const kinds = [
      ["shop", ["deployment/storefront", "deployment/catalog", "deployment/cart-v1"]],
      ["istio-system", ["deployment/istiod", "deployment/istio-ingressgateway"]],
    ] as const;
    for (const [namespace, deployments] of kinds) {
      await ready().kubectl("-n", namespace, "rollout", "restart", ...deployments);
      for (const deployment of deployments)
        await ready().kubectl("-n", namespace, "rollout", "status", deployment, "--timeout=180s");
    }
    await client.calm(3000, 30_000);
    const { lost, answered } = await client.stop();
    expect(lost).toEqual([]);
    expect(answered).toBeGreaterThan(100);
  });
}
