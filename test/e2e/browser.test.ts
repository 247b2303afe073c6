import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Slipway } from "./support/slipway.ts";
import { chromiumBinary, complaintsOf, launch, takePictures } from "./ui/browser.ts";
import { nextStep, openLab, openPage, solveStep } from "./ui/lab-walk.ts";

const binary = chromiumBinary();
if (binary === undefined) console.log("browser test skipped: there is no Chromium here (set CHROMIUM_BIN to use one)");

describe.runIf(binary !== undefined)("the interface in Chromium", () => {
  let slipway: Slipway;
  let browser: Browser;
  let page: Page;
  let complaints: readonly string[];

  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
    const { interface: address } = await slipway.status();
    browser = await launch(binary ?? "");
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    complaints = complaintsOf(page);
    await page.goto(address);
  });
  afterAll(async () => {
    await browser?.close();
    await slipway?.dispose();
  });

  test("the token leaves the address", async () => {
    await page.getByRole("heading", { name: "Labs" }).waitFor();
    expect(page.url()).not.toContain("token");
    await takePictures(page, "labs");
  });

  test("a wrong manifest is told at its line, and nothing is applied", async () => {
    await openLab(page);
    const editor = page.getByRole("textbox", { name: "Manifest" });
    await editor.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n  hosts: [cart]\n  htp: []\n",
    );
    const problem = page.locator(".manifest-problems").first();
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(/line 8: .*htp/);
    await takePictures(page, "problem");
  });

  test("the lab is walked to its end", async () => {
    for (let step = 1; ; step++) {
      await solveStep(page);
      await page.waitForTimeout(6000); // the window of the picture: what is drawn was measured after the step
      await takePictures(page, `step-${step}`);
      if (!(await nextStep(page))) {
        expect(step).toBe(6);
        return;
      }
    }
  }, 900_000);

  test("a request opens into its hops", async () => {
    await openPage(page, "Requests");
    await page.getByRole("textbox", { name: "Filter" }).fill("from:storefront to:cart");
    await page.locator(".request-row").nth(3).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.locator(".request-row").nth(3).click();
    const detail = page.getByRole("complementary", { name: "Request" });
    await detail
      .getByRole("button", { name: /^storefront-\S+ outbound/ })
      .first()
      .click();
    await detail.getByText("decided by").waitFor();
    await detail.getByText("VirtualService shop/cart").first().waitFor();
    await takePictures(page, "request");
  });

  test("every other page shows the mesh as it is", async () => {
    await openPage(page, "Mesh");
    await page.locator(".workload").nth(5).waitFor();
    await takePictures(page, "mesh");
    await openPage(page, "Proxies");
    await page.getByRole("button", { name: /^storefront-/ }).click();
    await page.getByRole("button", { name: "clusters", exact: true }).click();
    await page.locator(".resource", { hasText: "outbound|80" }).first().waitFor();
    await takePictures(page, "proxies");
    await openPage(page, "Cluster");
    await page.getByRole("cell", { name: /^istiod-/ }).waitFor();
    await takePictures(page, "cluster");
  });

  test("a terminal runs kubectl", async () => {
    await openPage(page, "Terminals");
    await page.getByRole("button", { name: "Shell", exact: true }).click();
    const terminal = page.getByRole("textbox", { name: "Terminal input" });
    await terminal.waitFor();
    await terminal.pressSequentially("kubectl get namespaces\n");
    await page.locator(".xterm-rows", { hasText: "istio-system" }).waitFor();
    await takePictures(page, "terminal");
  });

  test("nothing was complained about", () => expect(complaints).toEqual([]));
});
