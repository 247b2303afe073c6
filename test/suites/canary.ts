import { expect, test } from "vitest";
import type { Slipway } from "../e2e/support/slipway.ts";

/** The first lab, the same on every cluster. Takes a Slipway whose cluster is ready. */
export function canarySuite(ready: () => Slipway): void {
  test("every step's checks fail before its solution and hold after it", async () => {
    const output = await ready().must(["lab", "run", "canary", "--fast", "--prove", "-o", "json"]);
    const result = JSON.parse(output) as {
      readonly steps: readonly { readonly id: string; readonly passed: boolean }[];
    };
    expect(result.steps.map(({ id, passed }) => [id, passed])).toEqual(
      ["dark", "testers", "ten-percent", "half", "everyone", "rollback"].map((id) => [id, true]),
    );
  });

  test("traffic between the services is mutual TLS, and capture is Istio's", async () => {
    const rules = await ready().kubectl("-n", "shop", "logs", "deploy/storefront", "-c", "istio-init");
    expect(rules).toContain("ISTIO_INBOUND");
    const status = await ready().status();
    expect(status.mesh.proxies).toBeGreaterThanOrEqual(7);
    expect(status.mesh.synced).toBe(status.mesh.proxies);
  });
}
