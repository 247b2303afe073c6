/**
 * What `npm test` runs, in order, each as its own process; all are run even when one fails, and the last line counts them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
}

const node = process.execPath;
const vitest = [node, bin("vitest"), "run"];
const stages: readonly Stage[] = [
  { name: "types", command: [bin("tsc"), "-b"] },
  { name: "format and lint", command: [bin("biome"), "ci", "--reporter=summary", "."] },
  { name: "imports", command: [node, join(root, "scripts/check-imports.ts")] },
  { name: "unit tests", command: [...vitest, "--project", "unit"] },
  { name: "end-to-end tests", command: [...vitest, "--project", "e2e"] },
  // Says in one line why it cannot where there is no Docker engine or no image of nodes.
  { name: "end-to-end tests on kind", command: [...vitest, "--project", "e2e-kind"] },
];

const failed: string[] = [];
for (const { name, command } of stages) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: root, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  console.log(
    `== ${name}: ${code === 0 ? "passed" : "FAILED"} in ${Math.round((performance.now() - started) / 1000)} s`,
  );
  if (code !== 0) failed.push(name);
}
console.log(`\n${failed.length === 0 ? "all stages passed" : `failed: ${failed.join(", ")}`}`);
console.log(`${stages.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
