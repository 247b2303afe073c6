import type { Page } from "playwright-core";

/** Pods start and live traffic is watched; a busy machine takes its time. */
const CHECKS_MS = 180_000;

/** Opens a page by the rail at the left. */
export async function openPage(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name }).click();
}

export async function openLab(page: Page): Promise<void> {
  await openPage(page, "Labs");
  await page
    .getByRole("button", { name: /^(Begin|Go on|Open again)$/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Solve it for me" }).waitFor();
}

/** As a person who gives up: the solution is shown and applied. Resolves when every check of the step holds; a check that was too early is repeated. */
export async function solveStep(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Solve it for me" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Solve it for me" }).click();
  const passed = page.locator(".checks:not(:has(> .check:not(.passed)))");
  const failed = page.locator(".checks > .check.failed");
  const measuring = page.locator(".checks > .check.measuring");
  const until = Date.now() + CHECKS_MS;
  while (!(await passed.isVisible())) {
    if (Date.now() > until) throw new Error(`the checks do not hold: ${await page.locator(".checks").textContent()}`);
    if ((await failed.count()) > 0 && (await measuring.count()) === 0)
      await page.getByRole("button", { name: "Check again" }).click();
    await page.waitForTimeout(500);
  }
}

/** To the next step, whose name is on the button. False when the lab is finished. */
export async function nextStep(page: Page): Promise<boolean> {
  const next = page.getByRole("button", { name: /^Next: / });
  const finished = page.getByText("You have finished this lab.");
  await next.or(finished).first().waitFor();
  if (await finished.isVisible()) return false;
  const title = ((await next.textContent()) ?? "").replace(/^Next: /, "").trim();
  await next.click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  return true;
}
