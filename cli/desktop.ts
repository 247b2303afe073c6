import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Opens the desktop window where there is a display and an Electron binary (its own download, or ELECTRON_OVERRIDE_DIST_PATH).
 * Otherwise undefined: the browser serves.
 */
export async function openDesktop(address: string): Promise<{ readonly closed: Promise<void> } | undefined> {
  const hasDisplay = process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  const binary = electronBinary();
  const main = join(import.meta.dirname, "../desktop/main/main.cjs");
  if (!hasDisplay || binary === undefined || !existsSync(main)) return undefined;
  const child = spawn(binary, [main], { stdio: "ignore", env: { ...process.env, SLIPWAY_ADDRESS: address } });
  return { closed: new Promise((resolve) => child.once("exit", () => resolve()).once("error", () => resolve())) };
}

function electronBinary(): string | undefined {
  const names = { linux: "electron", darwin: "Electron.app/Contents/MacOS/Electron", win32: "electron.exe" } as const;
  const name = names[process.platform as keyof typeof names];
  if (name === undefined) return undefined;
  const folders = [
    process.env.ELECTRON_OVERRIDE_DIST_PATH,
    join(import.meta.dirname, "../../node_modules/electron/dist"),
  ];
  return folders
    .map((folder) => (folder === undefined ? "" : join(folder, name)))
    .find((path) => path !== "" && existsSync(path));
}
