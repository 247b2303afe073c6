import { setTimeout as delay } from "node:timers/promises";
import { VERSION } from "#api/names.ts";
import { inClusterConnection } from "#kube/in-cluster.ts";
import { buildControlPlane } from "./app.ts";
import { readConfig } from "./config.ts";

/** How long it goes on serving after it was told to end. */
const LAME_DUCK_MS = 2000;

/** `pilot-discovery discovery` runs in a pod until it is told to end; `pilot-discovery version` says which one it is. */
async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "version") {
    console.log(VERSION);
    return;
  }
  const controlPlane = await buildControlPlane(readConfig(args, process.env), { connection: inClusterConnection() });
  const end = async (): Promise<void> => {
    await controlPlane.stop();
    process.exit(0);
  };
  // The pod is no endpoint any more, but API server and proxies may not know it yet: whoever still comes is still answered.
  process.once("SIGTERM", () => void delay(LAME_DUCK_MS).then(end));
  process.once("SIGINT", () => void end());
  await controlPlane.ready;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
