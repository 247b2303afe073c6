import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProbeLine, TrafficInterval } from "#api/traffic.ts";
import { type Program, startProgram } from "../testing/program.ts";
import { weightedChoice } from "./run.ts";

let target: Server;
let generator: Program;
let answers = 0;

beforeAll(async () => {
  target = createServer((request, response) => {
    answers++;
    const version = answers % 4 === 0 ? "v2" : "v1";
    response.writeHead(request.url === "/broken" ? 500 : 200, { "x-shop-version": `storefront=v1,cart=${version}` });
    response.end("ok");
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  generator = await startProgram(["loadgen"], { TARGET: `http://127.0.0.1:${(target.address() as AddressInfo).port}` });
});

afterAll(async () => {
  await generator.stop();
  target.close();
});

async function firstLine(path: string): Promise<unknown> {
  const response = await fetch(generator.url + path);
  const reader = response.body!.getReader();
  let text = "";
  while (!text.includes("\n")) text += Buffer.from((await reader.read()).value ?? []).toString();
  await reader.cancel();
  return JSON.parse(text.slice(0, text.indexOf("\n")));
}

const put = (run: unknown) => fetch(`${generator.url}/run`, { method: "PUT", body: JSON.stringify(run) });

test("sends at the rate that was asked for and counts by version, status and tag", async () => {
  const requests = [
    { tag: "browse", path: "/", weight: 3 },
    { tag: "broken", path: "/broken", weight: 1 },
  ];
  expect((await put({ rate: 200, requests })).status).toBe(200);
  const interval = (await firstLine("/stream")) as TrafficInterval;
  // Never more than was due by then; how much less depends on how busy the machine is.
  expect(interval.sent).toBeGreaterThan(0);
  expect(interval.sent).toBeLessThanOrEqual(200 * interval.seconds + 1);
  expect(Object.keys(interval.byStatus).toSorted()).toEqual(["200", "500"]);
  expect(Object.keys(interval.byTag).toSorted()).toEqual(["broken", "browse"]);
  expect(Object.keys(interval.byVersion.cart ?? {}).toSorted()).toEqual(["v1", "v2"]);
  expect(interval.latency?.p50).toBeGreaterThan(0);
  expect(await (await fetch(`${generator.url}/state`)).json()).toMatchObject({ running: true, run: { rate: 200 } });
  await fetch(`${generator.url}/run`, { method: "DELETE" });
  expect(await (await fetch(`${generator.url}/state`)).json()).toMatchObject({ running: false });
});

test("a probe is bounded and tallied", async () => {
  const response = await fetch(`${generator.url}/probe`, {
    method: "POST",
    body: JSON.stringify({ request: { path: "/broken" }, count: 40, concurrency: 4 }),
  });
  const lines = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ProbeLine);
  const last = lines.at(-1);
  expect(last?.type === "tally" && last.tally).toMatchObject({
    count: 40,
    byStatus: { 500: 40 },
    byVersion: { storefront: { v1: 40 } },
    errors: {},
  });
});

test.each([
  [{ rate: 0, requests: [{ tag: "a", path: "/" }] }, "rate"],
  [{ rate: 1, requests: [] }, "requests"],
  [{ rate: 1, requests: [{ tag: "a", path: "no-slash" }] }, "requests.0.path"],
])("says which field of %j is wrong", async (run, field) => {
  const response = await put(run);
  expect([response.status, ((await response.json()) as { field: string }).field]).toEqual([400, field]);
});

test("shapes are drawn in proportion to their weights", () => {
  const shape = (tag: string, weight: number) => ({ tag, weight, method: "GET" as const, path: "/", headers: {} });
  let at = 0;
  const choose = weightedChoice([shape("a", 1), shape("b", 3)], () => (at++ % 100) / 100);
  const drawn = Array.from({ length: 100 }, () => choose().tag);
  expect(drawn.filter((tag) => tag === "a").length).toBe(25);
});
