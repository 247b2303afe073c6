import { expect, test } from "vitest";
import type { RequestEvent } from "#api/rpc/telemetry.ts";
import { compileFilter, RequestLog } from "./requests.ts";

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

test("a reader that comes while others wait for a batch gets each request once", async () => {
  const log = new RequestLog();
  const seen: string[][] = [[], []];
  const watch = (reader: number) => log.watch("", (requests) => seen[reader]?.push(...requests.map(({ id }) => id)));
  const disposers = [watch(0)];
  log.add([request, { ...request, id: "2" }], 0);
  disposers.push(watch(1));
  log.add([{ ...request, id: "3" }], 0);
  await expect
    .poll(() => seen)
    .toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
    ]);
  for (const dispose of disposers) dispose();
});
