import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));

/** One file, as the proxy ships; the generated Envoy API cannot run unbundled. Returns its path. */
export async function bundleSubject(folder: string): Promise<string> {
  const bundle = await rolldown({
    input: join(here, "subject.ts"),
    platform: "node",
    external: ["koffi"],
    logLevel: "silent",
  });
  const file = join(folder, "subject.mjs");
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  symlinkSync(join(here, "../../../node_modules"), join(folder, "node_modules"));
  return file;
}
