import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where the pictures of the last run are kept. */
export const pictures = join(import.meta.dirname, "../../../.cache/screenshots");

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of a Chromium of this machine: CHROMIUM_BIN, else one of the usual places. */
export function chromiumBinary(): string | undefined {
  return process.env.CHROMIUM_BIN ?? places.find((place) => existsSync(place));
}

/** Chromium's own sandbox does not work for root. */
export function launch(binary: string): Promise<Browser> {
  return chromium.launch({
    executablePath: binary,
    args: [...quiet, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  });
}

export const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
] as const;

/** The page as it is, in both sizes and both colour schemes. */
export async function takePictures(page: Page, name: string): Promise<void> {
  await mkdir(pictures, { recursive: true });
  const before = page.viewportSize();
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(400); // the picture of the mesh is fitted to the new size in the next frames
      await page.screenshot({ path: join(pictures, `${name}-${size.width}-${colorScheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  if (before !== null) await page.setViewportSize(before);
}

/** Everything that the page complained about: an interface that works has nothing to say on its console. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return complaints;
}
