import { expect, test } from "vitest";
import type { RequestEvent } from "#api/rpc/telemetry.ts";
import { compileFilter } from "./requests.ts";

const request: RequestEvent = {
  id: "1",
  time: 0,
  traceId: "abc",
  reporter: { namespace: "shop", pod: "storefront-1", direction: "outbound" },
  method: "GET",
  path: "/cart?x=1",
  authority: "cart",
  status: 503,
  flags: "UH,URX",
  details: "no_healthy_upstream",
  durationMs: 3,
  route: "everyone",
  cluster: "outbound|80|v2|cart.shop.svc.cluster.local",
  upstream: "",
  attempts: 1,
  source: "storefront",
  destination: "cart-v2",
  principal: "",
  mutualTls: true,
  configSource: "",
};

test.each([
  ["", true],
  ["status:503", true],
  ["status:5xx", true],
  ["status:2xx", false],
  ["path:/cart", true],
  ["path:/checkout", false],
  ["to:cart-v2 status:5xx", true],
  ["to:cart-v1", false],
  ["from:storefront flag:uh", true],
  ["flag:U", false],
  ["method:get", true],
  ["method:post", false],
  ["everyone", true],
  ["nothing-like-this", false],
  ["status:(((", true],
])("%s", (filter, fits) => {
  expect(compileFilter(filter)(request)).toBe(fits);
});
