import { VERSION } from "#api/names.ts";
import { inClusterConnection } from "#kube/in-cluster.ts";
import { CaptureError } from "#mesh/capture/apply.ts";
import { buildZtunnel } from "./app.ts";
import { ConfigurationError, readConfig } from "./config.ts";
import { Log, standardOutput } from "./log.ts";

/** `ztunnel proxy` runs on a node until it is told to end; `ztunnel version` says which one it is. */
async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "version") return console.log(VERSION);
  const config = readConfig(process.env);
  const output = standardOutput();
  const end = (): void => {
    void ztunnel.stop().finally(() => {
      output.flush();
      process.exit(0);
    });
  };
  const log = new Log(config.logLevel, output.write);
  const ztunnel = await buildZtunnel(config, { connection: inClusterConnection(), log, onQuit: end });
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const expected = error instanceof ConfigurationError || error instanceof CaptureError;
  console.error(expected ? `ztunnel: ${error.message}` : error);
  process.exit(error instanceof ConfigurationError ? 64 : 1);
});
