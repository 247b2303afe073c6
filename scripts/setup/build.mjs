import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { node, root } from "./places.mjs";
import { run } from "./run.mjs";

const stamp = join(root, "dist/.built");
const sources = [
  "api",
  "apps",
  "assets",
  "cli",
  "cluster",
  "kube",
  "lab-scenarios",
  "main",
  "mesh",
  "renderer",
  "scripts",
];
const single = ["package-lock.json", "electron.vite.config.ts", "tsconfig.base.json"];

/** Newest change of any source, in milliseconds. Walking the tree costs some ten milliseconds. */
function newestSource() {
  let newest = 0;
  const visit = (path) => {
    const stats = statSync(path);
    if (stats.isDirectory()) for (const entry of readdirSync(path)) visit(join(path, entry));
    else if (stats.mtimeMs > newest) newest = stats.mtimeMs;
  };
  for (const source of [...sources, ...single]) if (existsSync(join(root, source))) visit(join(root, source));
  return newest;
}

/** Generates code and builds everything when a source is newer than the last build. */
export async function buildIfStale() {
  const newest = newestSource();
  if (existsSync(stamp) && Number(readFileSync(stamp, "utf8")) >= newest) return;
  if (!existsSync(join(root, "gen")) || generatorChanged()) {
    console.log("slipway: generating types from protobuf (half a minute, once) …");
    await run(node, [join(root, "scripts/generate.ts")], { cwd: root });
  }
  console.log("slipway: building …");
  await run(node, [join(root, "scripts/build.ts")], { cwd: root });
  writeFileSync(stamp, String(newest));
}

function generatorChanged() {
  const generated = statSync(join(root, "gen")).mtimeMs;
  const inputs = ["scripts/generate.ts", "scripts/generate-crds.ts", "api/proto"].map((path) => join(root, path));
  return inputs.some((path) => existsSync(path) && newestIn(path) > generated);
}

function newestIn(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(...readdirSync(path).map((entry) => newestIn(join(path, entry))));
}
