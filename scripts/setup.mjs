#!/usr/bin/env node
/**
 * Makes a fresh clone ready and then runs what was asked for. Plain JavaScript without dependencies, because it runs on the
 * machine's own Node.js (20 or newer) before anything is installed. Quick when nothing is to be done.
 *
 *   node scripts/setup.mjs              only the set-up
 *   node scripts/setup.mjs run start    set-up, then the lab
 *   node scripts/setup.mjs run test     set-up with what the tests need, then the tests
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { buildIfStale } from "./setup/build.mjs";
import { installDependencies } from "./setup/dependencies.mjs";
import { installKubectl } from "./setup/kubectl.mjs";
import { node, root } from "./setup/places.mjs";
import { installSystemPackages } from "./setup/system-packages.mjs";

const tasks = {
  start: [join(root, "dist/cli/main.js"), "start"],
  test: [join(root, "scripts/test.ts")],
};

const [verb, task, ...rest] = process.argv.slice(2);
if (verb !== undefined && (verb !== "run" || !(task in tasks))) {
  console.error(`usage: node scripts/setup.mjs [run ${Object.keys(tasks).join("|")}]`);
  process.exit(64);
}

try {
  await installDependencies();
  await installSystemPackages(task === "test" ? "test" : "run");
  if (task === "test") await installKubectl();
  await buildIfStale();
} catch (error) {
  console.error(`slipway: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

if (verb === "run") {
  const child = spawn(node, [...tasks[task], ...rest], { stdio: "inherit", cwd: root });
  // The terminal sends Ctrl-C to the whole group: the child ends by itself, we wait for it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  const [code, signal] = await once(child, "exit");
  process.exit(code ?? (signal === "SIGINT" ? 130 : 1));
}
