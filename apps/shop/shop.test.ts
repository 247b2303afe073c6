import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Program, startProgram } from "../testing/program.ts";
import { parseFaults } from "./faults.ts";

const running: Program[] = [];
const folder = mkdtempSync(join(tmpdir(), "slipway-shop-"));
const faultsFile = join(folder, "faults.json");
let storefront: Program;
let cart: Program;

async function start(name: string, env: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram(["shop", name], env);
  running.push(program);
  return program;
}

beforeAll(async () => {
  const [catalog, ledger] = await Promise.all([start("catalog"), start("ledger")]);
  cart = await start("cart", { VERSION: "v2", FAULTS_FILE: faultsFile });
  const payments = await start("payments", { LEDGER_URL: ledger.url });
  storefront = await start("storefront", { CATALOG_URL: catalog.url, CART_URL: cart.url, PAYMENTS_URL: payments.url });
});

afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  rmSync(folder, { recursive: true, force: true });
});

test("an answer says which versions had a part in it", async () => {
  const response = await fetch(`${storefront.url}/checkout`);
  expect(response.status).toBe(200);
  expect(response.headers.get("x-shop-version")).toBe("storefront=v1,cart=v2,payments=v1,ledger=v1");
  expect(await response.json()).toMatchObject({
    service: "storefront",
    cart: { version: "v2", discount: expect.any(Number) },
    payment: { paid: true },
  });
});

test("people get a page", async () => {
  const response = await fetch(storefront.url, { headers: { accept: "text/html" } });
  expect(await response.text()).toContain("cart v2");
});

test("a version misbehaves when told so, by request or by file, and stops when told so", async () => {
  const setFaults = (faults: object) => fetch(`${cart.url}/_faults`, { method: "POST", body: JSON.stringify(faults) });
  await setFaults({ errorRate: 1 });
  const failed = await fetch(`${storefront.url}/cart`);
  expect([failed.status, failed.headers.get("x-shop-version")]).toEqual([500, "storefront=v1,cart=v2"]);
  expect((await setFaults({ errorRate: 2 })).status).toBe(400);
  await setFaults({});
  expect((await fetch(`${storefront.url}/cart`)).status).toBe(200);
  writeFileSync(faultsFile, '{"errorRate": 1}');
  await expect.poll(async () => (await fetch(`${storefront.url}/cart`)).status, { timeout: 5000 }).toBe(500);
  rmSync(faultsFile);
  await expect.poll(async () => (await fetch(`${storefront.url}/cart`)).status, { timeout: 5000 }).toBe(200);
});

test.each([
  ["[]", { errorRate: 0, delayMs: 0 }],
  ['{"delayMs": 5}', { errorRate: 0, delayMs: 5 }],
])("faults %s", (text, faults) => expect(parseFaults(text)).toEqual(faults));

test.each(["1", '{"errorRate": -1}', '{"delayMs": "5"}', "{"])("faults %s are refused", (text) =>
  expect(() => parseFaults(text)).toThrow(),
);
