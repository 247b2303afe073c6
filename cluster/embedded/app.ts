import type { Server } from "node:net";
import { join } from "node:path";
import { startApiServer } from "./apiserver/app.ts";
import { bootstrap } from "./controllers/bootstrap.ts";
import { startControllers } from "./controllers/controllers.ts";
import { type Logger, systemClock } from "./machinery/clock.ts";
import { createEventRecorder } from "./machinery/events.ts";
import { nodeAddresses, startNode } from "./node/app.ts";
import type { EmbeddedConfig } from "./protocol.ts";
import { prepareSandbox } from "./sandbox/prepare.ts";

const POD_CIDR = "10.244.0.0/16";
const SERVICE_CIDR = "10.96.0.0/16";
const API_ADDRESS = "10.96.0.1";
const DNS_ADDRESS = "10.96.0.10";
const DOMAIN = "cluster.local";

export interface EmbeddedCluster {
  /** With full rights, for the server address of the configuration. */
  readonly kubeconfig: string;
  readonly version: string;
  /** Ends the pods, then the API. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly config: EmbeddedConfig;
  /** Listens in the outer network namespace, where people's tools are. */
  readonly outerServer: Server;
  readonly logger: Logger;
  readonly onProgress: (text: string) => void;
}

/** Builds the whole cluster inside its sandbox: network, API server, controllers, node. */
export async function buildCluster({
  config,
  outerServer,
  logger,
  onProgress,
}: EmbeddedOptions): Promise<EmbeddedCluster> {
  const clock = systemClock;
  onProgress("preparing the network");
  const ownAddresses = [API_ADDRESS, DNS_ADDRESS];
  const addresses = nodeAddresses(config.nodes.length);
  await prepareSandbox({ addresses: [...addresses, ...ownAddresses] });
  onProgress("starting the API server");
  const api = await startApiServer({
    stateDir: join(config.stateFolder, "api"),
    server: config.server,
    serviceCidr: SERVICE_CIDR,
    clusterAddress: { address: API_ADDRESS, port: 443 },
    outerServer,
    logger,
    clock,
  });
  const [resources, kubelet] = [api.resourcesFor("kube-controller-manager"), api.resourcesFor("kubelet")];
  await bootstrap(api.resourcesFor("kube-apiserver"), { api: API_ADDRESS, dns: DNS_ADDRESS });
  const events = createEventRecorder({ resources: kubelet, clock, logger, host: config.nodes[0]?.name ?? "slipway" });
  onProgress("starting controllers and node");
  const controllers = startControllers({
    resources,
    clock,
    logger,
    events,
    types: api.types,
    clusterCa: api.clusterCa,
  });
  const node = await startNode({
    resources: kubelet,
    stateDir: config.stateFolder,
    imagesDir: config.imagesFolder,
    nodes: config.nodes,
    podCidr: POD_CIDR,
    clock,
    logger,
    mintToken: api.mintToken,
    clusterCa: api.clusterCa,
    kubeletVersion: api.version,
    ownAddresses,
    dns: { server: DNS_ADDRESS, domain: DOMAIN },
  });
  api.setNodeBackend(node.backend);
  return {
    kubeconfig: api.kubeconfig,
    version: api.version,
    stop: async () => {
      controllers.stop();
      await node.stop(true);
      await api.stop();
    },
  };
}
