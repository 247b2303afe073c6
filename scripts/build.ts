/**
 * Builds everything that runs into dist/: one file per program, so that each starts in tens of milliseconds, the folders that
 * become images, and the interface.
 *
 *   node scripts/build.ts [--only name]
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build as viteBuild } from "vite";
import { rolldown } from "rolldown";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

interface Program {
  readonly name: string;
  readonly entry: string;
  readonly out: string;
}

const programs: readonly Program[] = [
  { name: "pilot-discovery", entry: "mesh/control-plane/main.ts", out: "images/mesh/lib/pilot-discovery.js" },
  { name: "pilot-agent", entry: "mesh/proxy/main.ts", out: "images/mesh/lib/pilot-agent.js" },
  { name: "shop", entry: "apps/shop/main.ts", out: "images/apps/lib/shop.js" },
  { name: "tools", entry: "apps/tools/main.ts", out: "images/apps/lib/tools.js" },
  { name: "loadgen", entry: "apps/loadgen/main.ts", out: "images/apps/lib/loadgen.js" },
  { name: "embedded", entry: "cluster/embedded/main.ts", out: "embedded/main.js" },
  { name: "host", entry: "main/host/main.ts", out: "host/main.js" },
  { name: "cli", entry: "cli/main.ts", out: "cli/main.js" },
];

/** Packages with native code: found at run time, from node_modules here and from a copy inside the image that needs them. */
const native = ["koffi", "lmdb", "@lydell/node-pty"];
const nativeInImages: Readonly<Record<string, readonly string[]>> = { mesh: ["koffi"] };

async function bundle(program: Program): Promise<void> {
  const build = await rolldown({
    input: join(root, program.entry),
    platform: "node",
    external: [...native, /\.node$/],
    resolve: { conditionNames: ["node", "import"] },
    // Not ours to mend: some packages use eval for optional features.
    onLog: (level, log, handle) => {
      if (log.code !== "EVAL" && log.code !== "CIRCULAR_DEPENDENCY") handle(level, log);
    },
  });
  await build.write({ file: join(dist, program.out), format: "esm", sourcemap: true, minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } }, codeSplitting: false });
  await build.close();
}

function assembleImage(name: string): void {
  const source = join(root, "assets/images", name);
  const target = join(dist, "images", name);
  mkdirSync(join(target, "lib"), { recursive: true });
  cpSync(join(source, "image.json"), join(target, "image.json"));
  cpSync(join(source, "bin"), join(target, "bin"), { recursive: true });
  for (const file of readdirSync(join(target, "bin"))) chmodSync(join(target, "bin", file), 0o755);
  // The bundles are ES modules whatever folder they are mounted in.
  writeFileSync(join(target, "lib/package.json"), '{ "type": "module" }\n');
  for (const dependency of nativeInImages[name] ?? []) copyNative(dependency, join(target, "lib/node_modules"));
}

/** Copies a package and its binary for this platform only. */
function copyNative(name: string, target: string): void {
  const folder = join(root, "node_modules", name);
  const foreign = (path: string): boolean => /[\\/](src|doc|vendor|lib[\\/]native)[\\/]/.test(path.slice(folder.length));
  cpSync(folder, join(target, name), { recursive: true, filter: (path) => !foreign(path) });
  const platform = join(root, `node_modules/@koromix/koffi-${process.platform}-${process.arch}`);
  if (existsSync(platform)) cpSync(platform, join(target, `@koromix/koffi-${process.platform}-${process.arch}`), { recursive: true });
}

async function buildRenderer(): Promise<void> {
  await viteBuild({ root: join(root, "renderer"), logLevel: "warn", build: { outDir: join(dist, "renderer"), emptyOutDir: true } });
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const wanted = (name: string): boolean => values.only === undefined || values.only === name;

if (values.only === undefined) rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const image of readdirSync(join(root, "assets/images"))) assembleImage(image);
const present = programs.filter((program) => wanted(program.name) && existsSync(join(root, program.entry)));
await Promise.all(present.map(bundle));
if (wanted("renderer") && existsSync(join(root, "renderer/index.html"))) await buildRenderer();
if (wanted("labs")) {
  cpSync(join(root, "lab-scenarios"), join(dist, "lab-scenarios"), { recursive: true });
  cpSync(join(root, "apps/manifests"), join(dist, "manifests"), { recursive: true });
}
console.log(`built ${present.map((program) => program.name).join(", ")}`);
