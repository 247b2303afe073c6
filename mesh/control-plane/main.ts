import { VERSION } from "#api/names.ts";
import { inClusterConnection } from "#kube/in-cluster.ts";
import { buildControlPlane } from "./app.ts";
import { readConfig } from "./config.ts";

/** `pilot-discovery discovery` runs in a pod until it is told to end; `pilot-discovery version` says which one it is. */
async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "version") {
    console.log(VERSION);
    return;
  }
  const controlPlane = await buildControlPlane(readConfig(args, process.env), { connection: inClusterConnection() });
  const end = (): void => {
    void controlPlane.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  await controlPlane.ready;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
