import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiServer } from "#cluster/embedded/apiserver/app.ts";
import { bootstrap } from "#cluster/embedded/controllers/bootstrap.ts";
import { startControllers } from "#cluster/embedded/controllers/controllers.ts";
import { systemClock } from "#cluster/embedded/machinery/clock.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { rawClient } from "./client.ts";
import type { Target } from "./play.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The embedded API server and controllers in this process, without a node: it needs no privileges. */
export async function startEmbedded(): Promise<Target & { stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-differential-"));
  const stateDir = join(folder, "api");
  let running = await run(stateDir, 0);
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, running.kubeconfig);
  const client = await rawClient(kubeconfigConnection(kubeconfig));
  return {
    client,
    kubeconfig,
    restart: async () => {
      await running.stop();
      running = await run(stateDir, running.port);
    },
    stop: async () => {
      client.close();
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly kubeconfig: string;
  readonly port: number;
  stop(): Promise<void>;
}

async function run(stateDir: string, wantedPort: number): Promise<Running> {
  const outerServer = createServer();
  await new Promise<void>((resolve, reject) => {
    outerServer.once("error", reject);
    outerServer.listen(wantedPort, "127.0.0.1", resolve);
  });
  const { port } = outerServer.address() as AddressInfo;
  const api = await startApiServer({
    stateDir,
    server: `https://127.0.0.1:${port}`,
    serviceCidr: "10.96.0.0/16",
    clusterAddress: { address: "127.0.0.1", port: 0 },
    outerServer,
    logger: silent,
    clock: systemClock,
  });
  await bootstrap(api.resourcesFor("kube-apiserver"), { api: "10.96.0.1", dns: "10.96.0.10" });
  const controllers = startControllers({
    resources: api.resourcesFor("kube-controller-manager"),
    clock: systemClock,
    logger: silent,
    events: { record: () => {} },
    types: api.types,
    clusterCa: api.clusterCa,
  });
  return {
    kubeconfig: api.kubeconfig,
    port,
    stop: async () => {
      controllers.stop();
      await api.stop();
    },
  };
}
