import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Node.js 24 from the npm package `node`: the line that current Electron embeds, whatever the machine has. */
export const node = join(root, "node_modules/.bin/node");
