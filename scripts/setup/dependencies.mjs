import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.mjs";
import { run } from "./run.mjs";

const stamp = join(root, "node_modules/.slipway-installed");

/** Installs what package-lock.json names, when it changed since the last time. */
export async function installDependencies() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("slipway: installing dependencies (about a minute the first time) …");
  // Electron's own binary is fetched only on request: the lab works in the browser without it.
  const env = { ELECTRON_SKIP_BINARY_DOWNLOAD: "1", ...process.env };
  // `install` and not `ci`: a registry that lacks binaries for other platforms makes npm write a lock file that `ci` refuses.
  await run("npm", ["install", "--no-save", "--no-audit", "--no-fund"], { cwd: root, env });
  writeFileSync(stamp, wanted);
}
