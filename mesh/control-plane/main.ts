import { inClusterConnection } from "#kube/in-cluster.ts";
import { buildControlPlane } from "./app.ts";
import { readConfig } from "./config.ts";

/** `pilot-discovery discovery`: runs in a pod until it is told to end. */
async function main(): Promise<void> {
  const controlPlane = await buildControlPlane(readConfig(process.argv.slice(2), process.env), {
    connection: inClusterConnection(),
  });
  const end = (): void => {
    void controlPlane.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  await controlPlane.ready;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
