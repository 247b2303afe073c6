import { symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";

/** One file, as the programs ship; the generated messages cannot run unbundled. Returns its path. */
export async function bundleProgram(input: string, folder: string): Promise<string> {
  const bundle = await rolldown({ input, platform: "node", external: ["koffi"], logLevel: "silent" });
  const file = join(folder, `${basename(input, ".ts")}.mjs`);
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  return file;
}
