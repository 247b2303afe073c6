/**
 * What a ztunnel holds for captured pods: the parts that grow with them (listeners and tunnels' servers inside each pod's network,
 * certificates, workloads) for none, 10 and 1,000 pods, each with a network namespace and an identity of its own.
 *
 *   node test/bench/ambient/memory.ts
 *
 * Needs root. Prints a Markdown table.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleProgram } from "../bundle-program.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
try {
  const program = await bundleProgram(join(import.meta.dirname, "memory-subject.ts"), folder);
  // Garbage is not what is measured. Namespaces, mounts and files in /run end with the process.
  const args = ["--mount", "--net", process.execPath, "--expose-gc", "--max-semi-space-size=8", program];
  const rows = JSON.parse(execFileSync("unshare", args, { encoding: "utf8" })) as readonly (readonly [
    number,
    number,
  ])[];
  console.log("| captured pods | resident MB |\n| --- | --- |");
  for (const [pods, megabytes] of rows) console.log(`| ${pods} | ${megabytes.toFixed(0)} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
