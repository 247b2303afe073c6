import type { Page } from "playwright-core";

const CHECKS_MS = 90_000;

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

/** As a person who gives up: the solution is shown and applied. Resolves when every check of the step holds. */
export async function solveStep(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Solve it for me" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Solve it for me" }).click();
  const checks = page.locator(".checks > .check");
  const passed = page.locator(".checks > .check.passed");
  const wanted = await checks.count();
  await passed.nth(wanted - 1).waitFor({ timeout: CHECKS_MS });
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
