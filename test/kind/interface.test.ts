import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Slipway } from "../e2e/support/slipway.ts";
import { chromiumBinary, complaintsOf, launch, takePictures } from "../e2e/ui/browser.ts";
import { nextStep, openLab, openPage, solveStep } from "../e2e/ui/lab-walk.ts";
import { containersOf } from "./containers.ts";
import { obstacle } from "./obstacle.ts";

// Two walks through a lab by hand take longer than everybody should wait for: only who asks for them gets them.
const asked = process.env.SLIPWAY_KIND_INTERFACE !== undefined;
const why = asked
  ? ((await obstacle()) ?? (chromiumBinary() === undefined ? "there is no Chromium here" : undefined))
  : "it is not asked for (SLIPWAY_KIND_INTERFACE=1)";
if (why !== undefined) console.log(`the interface is not tested on kind: ${why}`);

/** A busy machine takes its time. */
const START_MS = 500_000;
const TEST_MS = 900_000;

/** A person who has only the interface: makes clusters, walks through the lab on them, takes them away again. */
describe.runIf(why === undefined)("the interface in Chromium, on kind and on an existing cluster", () => {
  let slipway: Slipway;
  let browser: Browser;
  let page: Page;
  let complaints: readonly string[];

  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
    browser = await launch(chromiumBinary() ?? "");
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    complaints = complaintsOf(page);
  });
  afterAll(async () => {
    await browser?.close();
    await slipway?.dispose();
  });

  const row = (name: string) => page.getByRole("row").filter({ has: page.locator("strong", { hasText: name }) });

  async function walkThroughLab(name: string): Promise<void> {
    await openLab(page);
    for (let step = 1; ; step++) {
      await solveStep(page);
      if (step === 3) await takePictures(page, `${name}-ten-percent`);
      if (!(await nextStep(page))) return expect(step).toBe(6);
    }
  }

  test(
    "a kind cluster is made",
    async () => {
      const { interface: address } = await slipway.status();
      await page.goto(address);
      await openPage(page, "Cluster");
      await page.getByRole("button", { name: "New cluster" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("radio", { name: /^kind/ }).check();
      await dialog.getByLabel("Name", { exact: true }).fill("Not good");
      await dialog.getByText("A name has small letters").waitFor();
      await dialog.getByLabel("Name", { exact: true }).fill("e2e-ui");
      await dialog.getByText("Version, image, ports, limits").click();
      await dialog.getByLabel("Memory per node").fill("6000");
      await takePictures(page, "kind-new");
      await dialog.getByRole("button", { name: "Create and start" }).click();
      await page.getByRole("heading", { name: "Starting the lab" }).waitFor();
      await page.getByText("Starting control-plane").or(page.getByText("Start the cluster")).first().waitFor();
      await takePictures(page, "kind-starting");
      await row("e2e-ui").getByText("ready", { exact: true }).waitFor({ timeout: START_MS });
    },
    TEST_MS,
  );

  test("its nodes show what they use", async () => {
    const node = page
      .getByRole("row")
      .filter({ hasText: /slipway-e2e-ui.*-control-plane/ })
      .first();
    await node.getByText(/(MB|GB) of 6\.00 GB/).waitFor();
    await node.getByText(/^\d+\.\d\d$/).waitFor();
    await takePictures(page, "kind-cluster");
  });

  test("the canary lab is walked to its end on it", () => walkThroughLab("kind"), TEST_MS);

  test(
    "it is stopped and resumed",
    async () => {
      await openPage(page, "Cluster");
      await row("e2e-ui").getByRole("button", { name: "Stop" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Stop" }).click();
      await row("e2e-ui").getByText("stopped", { exact: true }).waitFor({ timeout: START_MS });
      await takePictures(page, "kind-stopped");
      await row("e2e-ui").getByRole("button", { name: "Resume" }).click();
      await row("e2e-ui").getByText("ready", { exact: true }).waitFor({ timeout: START_MS });
    },
    TEST_MS,
  );

  test(
    "it serves as an existing cluster too",
    async () => {
      const { kubeconfig } = await slipway.status();
      await page.getByRole("button", { name: "New cluster" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("radio", { name: /^Existing/ }).check();
      await dialog.getByLabel("Name", { exact: true }).fill("staging");
      await dialog.getByLabel("Kubeconfig", { exact: true }).fill(kubeconfig);
      const context = dialog.getByLabel("Context");
      await context.locator("option").nth(1).waitFor({ state: "attached" });
      await context.selectOption({ index: 1 });
      await takePictures(page, "existing-new");
      await dialog.getByRole("button", { name: "Create and start" }).click();
      await row("staging").getByText("ready", { exact: true }).waitFor({ timeout: START_MS });
      await takePictures(page, "existing-cluster");
    },
    TEST_MS,
  );

  test("the canary lab is walked to its end there", () => walkThroughLab("existing"), TEST_MS);

  test(
    "from an existing cluster only what was installed goes",
    async () => {
      await openPage(page, "Cluster");
      await row("staging").getByRole("button", { name: "Delete" }).click();
      await page.getByRole("alertdialog").getByText("Nothing else is touched").waitFor();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await row("staging").waitFor({ state: "detached", timeout: START_MS });
      const clusters = JSON.parse(await slipway.must(["cluster", "list", "-o", "json"])) as readonly {
        readonly name: string;
      }[];
      expect(clusters.map(({ name }) => name)).toEqual(["default", "e2e-ui"]);
    },
    TEST_MS,
  );

  test(
    "it is deleted, and no container is left",
    async () => {
      await row("e2e-ui").getByRole("button", { name: "Delete" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await row("e2e-ui").waitFor({ state: "detached", timeout: START_MS });
      expect(await containersOf("e2e-ui")).toEqual([]);
    },
    TEST_MS,
  );

  test("nothing was complained about", () => expect(complaints).toEqual([]));
});
