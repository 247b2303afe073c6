import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ImageSource, Program } from "./programs.ts";

/** Users that containers run as; Node keeps a compile cache per user id. */
const users: readonly string[] = ["0", "1337", "65532"];

/** Lays out an image of the catalogue beside its bundles: image.json, the launchers, the native packages its programs load. */
export function assembleImage(root: string, image: ImageSource): void {
  const source = join(root, "assets/images", image.name);
  const target = join(root, "dist/images", image.name);
  mkdirSync(join(target, "lib"), { recursive: true });
  rmSync(join(target, "bin"), { recursive: true, force: true });
  cpSync(source, target, { recursive: true });
  for (const launcher of readdirSync(join(target, "bin"))) chmodSync(join(target, "bin", launcher), 0o755);
  writeFileSync(join(target, "lib/package.json"), `${JSON.stringify({ type: "module" })}\n`);
  rmSync(join(target, "lib/node_modules"), { recursive: true, force: true });
  for (const name of image.natives) copyNative(root, join(target, "lib/node_modules"), name);
}

/** Copies the package's code and this platform's binary, without sources and documentation. */
function copyNative(root: string, target: string, name: string): void {
  const from = join(root, "node_modules", name);
  const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as {
    optionalDependencies?: Record<string, string>;
  };
  const isCode = (path: string): boolean => statSync(path).isDirectory() || /\.(c?js|json|node)$|LICENSE/.test(path);
  const isNeeded = (path: string): boolean => !/^\/(doc|vendor)(\/|$)/.test(path.slice(from.length)) && isCode(path);
  cpSync(from, join(target, name), { recursive: true, filter: isNeeded });
  // npm installs only those of the platform packages that fit this machine.
  const binaries = Object.keys(manifest.optionalDependencies ?? {}).filter((one) =>
    existsSync(join(root, "node_modules", one)),
  );
  for (const binary of binaries) cpSync(join(root, "node_modules", binary), join(target, binary), { recursive: true });
}

/**
 * Fills Node's compile cache, which saves a program about half of its start. The cache is portable: what is written here is found
 * where the image is mounted. Programs of an image are told where it is by their launchers, the embedded cluster by its provider.
 */
export function warmUp(root: string, program: Program): void {
  if (program.warmUp === undefined) return;
  const cache = join(root, "dist", program.folder, ".cache");
  mkdirSync(cache, { recursive: true });
  const { stderr } = spawnSync(
    process.execPath,
    [join(root, "dist", program.folder, program.file), ...program.warmUp],
    {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: cache, NODE_COMPILE_CACHE_PORTABLE: "1" },
      encoding: "utf8",
      timeout: 10_000,
    },
  );
  // It may well complain about its arguments; but it must have loaded.
  if (/ERR_MODULE_NOT_FOUND|SyntaxError/.test(stderr)) throw new Error(`${program.file} does not load:\n${stderr}`);
  shareCache(cache);
}

/** The folder's name ends with the id of the user that made it; the others get it by a link. */
function shareCache(cache: string): void {
  const [own] = readdirSync(cache, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (own === undefined) return;
  chmodSync(join(cache, own.name), 0o755);
  for (const file of readdirSync(join(cache, own.name))) chmodSync(join(cache, own.name, file), 0o644);
  const stem = own.name.slice(0, own.name.lastIndexOf("-") + 1);
  for (const user of users) {
    if (!existsSync(join(cache, stem + user))) symlinkSync(own.name, join(cache, stem + user));
  }
}
