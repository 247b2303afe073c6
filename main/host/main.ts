import { join } from "node:path";
import { toErrorReport } from "#api/errors.ts";
import { buildHost, type Host } from "./app.ts";
import { parseConfig } from "./config.ts";

/** The host process: serves the interface and the RPC until it is told to end. */
let host: Host | undefined;
let ending = false;

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await host?.stop();
  } catch (error) {
    console.error("stopping failed:", error);
    process.exit(1);
  }
  process.exit(code);
}

const config = parseConfig(process.argv.slice(2), join(import.meta.dirname, ".."));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end(0));
// Whoever started an attached host holds the other end of its channel: when that closes, by whatever death, so do we.
if (config.attached) process.on("disconnect", () => void end(0));
process.on("uncaughtException", (error) => {
  console.error("uncaught:", error);
  void end(1);
});
process.on("unhandledRejection", (error) => console.error("unhandled rejection:", error));

try {
  host = await buildHost(config, () => void end(0));
  console.log(`${new Date().toISOString()} serving ${host.url} (process ${process.pid})`);
} catch (error) {
  const report = toErrorReport(error);
  console.error(`${report.code}: ${report.message}${report.hint === undefined ? "" : `\n  ${report.hint}`}`);
  // Whoever started us tells the person.
  if (process.send === undefined) process.exit(1);
  else process.send(report, () => process.exit(1));
}
