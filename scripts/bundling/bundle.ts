import { mkdirSync, rmSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { nativePackages, type Program } from "./programs.ts";

/** Optional accelerators that packages try to load and do without. */
const absent: readonly string[] = ["bufferutil", "utf-8-validate", "pino-pretty", "cpu-features"];

/**
 * Bundles a program into one module and returns the files that it was made from, relative to `root`. What the program imports
 * dynamically becomes a file of its own beside it, so that a subcommand loads only what it uses.
 */
export async function bundle(root: string, program: Program): Promise<readonly string[]> {
  // Loaded here, since a build with nothing to do should not wait for the bundler.
  const { rolldown } = await import("rolldown");
  const chunks = join("chunks", program.name);
  const dir = join(root, "dist", program.folder);
  mkdirSync(dir, { recursive: true });
  rmSync(join(dir, chunks), { recursive: true, force: true });
  const build = await rolldown({
    input: join(root, program.entry),
    cwd: root,
    platform: "node",
    // Compiled accelerators of packages (ssh2) are tried and done without.
    external: (id) =>
      id.endsWith(".node") || [...nativePackages, ...absent].some((name) => id === name || id.startsWith(`${name}/`)),
    treeshake: true,
    onLog: (level, log, next) => {
      // Packages' own circular imports and eval are theirs to judge.
      if (level !== "warn" || !log.message.includes("node_modules")) next(level, log);
    },
  });
  try {
    const { output } = await build.write({
      dir,
      format: "esm",
      entryFileNames: program.file,
      chunkFileNames: join(chunks, "[name].js"),
      sourcemap: "hidden",
      minify: false,
      comments: false,
    });
    const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
    return [...new Set(modules)].filter((id) => isAbsolute(id)).map((id) => relative(root, id.split("?")[0]!));
  } finally {
    await build.close();
  }
}
