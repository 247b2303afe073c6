#!/usr/bin/env node
/** The package's `bin`: runs the built command line on the Node.js that the project brings along. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildIfStale } from "../scripts/setup/build.mjs";
import { installDependencies } from "../scripts/setup/dependencies.mjs";
import { node, root } from "../scripts/setup/places.mjs";

const main = join(root, "dist/cli/main.js");
if (!existsSync(main) || !existsSync(node)) {
  await installDependencies();
  await buildIfStale();
}
const child = spawn(node, ["--enable-source-maps", main, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {}); // the terminal sends it to the child too
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
