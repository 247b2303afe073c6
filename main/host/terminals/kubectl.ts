import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { AppError } from "#api/errors.ts";

/** The kubectl to use: SLIPWAY_KUBECTL, the one that Slipway fetched, else the first on the PATH. Throws TOOL_MISSING. */
export async function findKubectl(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "slipway/bin");
  // The last is where the set-up of a clone puts it; this file is bundled into dist/<program>/.
  const folders = [cache, ...(env.PATH ?? "").split(delimiter), join(import.meta.dirname, "../../.cache/bin")];
  const candidates = [
    ...(env.SLIPWAY_KUBECTL ? [env.SLIPWAY_KUBECTL] : []),
    ...folders.map((folder) => join(folder, "kubectl")),
  ];
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // the next one may be there
    }
  }
  throw new AppError("TOOL_MISSING", "kubectl is not installed", {
    hint: "Install kubectl 1.33 or newer and put it on the PATH.",
  });
}
