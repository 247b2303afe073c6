/** Runs every benchmark, one after the other: `npm run bench`. Each prints its own Markdown table for BENCHMARKS.md. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

for (const name of ["lab", "security", "proxy", "ambient"]) {
  console.log(`\n## ${name}`);
  const child = spawn(process.execPath, [join(import.meta.dirname, name, "run.ts")], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
