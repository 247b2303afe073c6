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
  const outerServer = createServer();
  await new Promise<void>((resolve) => outerServer.listen(0, "127.0.0.1", resolve));
  const api = await startApiServer({
    stateDir: join(folder, "api"),
    server: `https://127.0.0.1:${(outerServer.address() as AddressInfo).port}`,
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
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, api.kubeconfig);
  const client = await rawClient(kubeconfigConnection(kubeconfig));
  return {
    client,
    kubeconfig,
    stop: async () => {
      client.close();
      controllers.stop();
      await api.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
