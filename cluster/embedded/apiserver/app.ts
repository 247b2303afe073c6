import { mkdir } from "node:fs/promises";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { ResourceTypes } from "../controllers/context.ts";
import { type Clock, type Logger, timestamp } from "../machinery/clock.ts";
import { asObject } from "../machinery/json.ts";
import type { NodeBackend } from "../machinery/node-backend.ts";
import { type Resources, StatusError } from "../machinery/resources.ts";
import type { MintToken } from "../node/tokens.ts";
import { Store } from "../store/store.ts";
import { kubeconfigOf } from "./admin-kubeconfig.ts";
import { Catalog } from "./catalog.ts";
import { openCertificates } from "./certificates.ts";
import { DefinitionKeeper } from "./definitions/keeper.ts";
import { LocalResources } from "./local-resources.ts";
import { PodStreams } from "./pod-streams.ts";
import { Registry } from "./registry.ts";
import { createApiServer } from "./server.ts";
import { ServiceAccountTokens } from "./tokens.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

export interface ApiServerOptions {
  readonly stateDir: string;
  /** For the kubeconfig: https://127.0.0.1:port. */
  readonly server: string;
  readonly serviceCidr: string;
  /** Where pods reach it. */
  readonly clusterAddress: { readonly address: string; readonly port: number };
  /** Already listens, where people's tools are. */
  readonly outerServer: Server;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface ApiServer {
  /** The API for a part of the cluster itself, as the manager of the fields that it writes. */
  resourcesFor(manager: string): Resources;
  readonly types: ResourceTypes;
  readonly kubeconfig: string;
  readonly clusterCa: string;
  readonly version: string;
  readonly mintToken: MintToken;
  setNodeBackend(backend: NodeBackend): void;
  stop(): Promise<void>;
}

/** The Kubernetes version whose API this speaks. */
const VERSION = "v1.36.0+slipway";
const DNS_NAMES = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "localhost",
];

/** Opens the store and serves the API on both sides: to people on loopback, to pods on the cluster's own address. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { stateDir, clusterAddress, logger, clock } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const store = Store.open(join(stateDir, "store"), {
    onListenerError: (error) =>
      logger.error({ error: error instanceof Error ? (error.stack ?? "") : String(error) }, "a watcher failed"),
  });
  const certificates = await openCertificates(stateDir, { dns: DNS_NAMES, ip: ["127.0.0.1", clusterAddress.address] });
  const now = (): string => timestamp(clock.now());
  const catalog = new Catalog(store);
  const registry = new Registry(store, catalog, { serviceCidr: options.serviceCidr, now });
  registry.setWebhooks(
    new Webhooks(store, { catalog, show: (kind, object) => registry.present(kind, registry.stored(kind, object)) }),
  );
  const keeper = keeperOf(registry, catalog, { now, logger });
  keeper.start();
  const tokens = new ServiceAccountTokens(certificates.tokenKey, store);
  let backend: NodeBackend | undefined;
  const streams = new PodStreams(store, () => {
    if (backend === undefined) throw new Error("the node has not started yet");
    return backend;
  });
  const server = createApiServer({
    registry,
    catalog,
    tokens,
    streams,
    certificates,
    logger,
    now,
    version: VERSION,
    address: options.server,
  });
  const connections = new Set<Socket>();
  const accept = (socket: Socket): void => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    server.emit("connection", socket);
  };
  options.outerServer.on("connection", accept);
  const inner = createTcpServer(accept);
  await new Promise<void>((resolve, reject) => {
    inner.once("error", reject);
    inner.listen(clusterAddress.port, clusterAddress.address, resolve);
  });
  return {
    resourcesFor: (manager) => new LocalResources(registry, catalog, { now, manager }),
    types: catalog,
    kubeconfig: kubeconfigOf(options.server, certificates),
    clusterCa: certificates.ca,
    version: VERSION,
    mintToken: tokens.mint,
    setNodeBackend: (node) => {
      backend = node;
    },
    stop: async () => {
      keeper.stop();
      options.outerServer.close();
      inner.close();
      for (const connection of connections) connection.destroy();
      await store.close();
    },
  };
}

function keeperOf(
  registry: Registry,
  catalog: Catalog,
  { now, logger }: { readonly now: () => string; readonly logger: Logger },
): DefinitionKeeper {
  const keeper = new DefinitionKeeper(registry.store, {
    now,
    deleteObject: async ({ spec }, { metadata }) => {
      const { group, names } = asObject(spec);
      const kind = catalog.kinds.find((one) => one.group === group && one.resource === asObject(names).plural);
      if (kind === undefined) return;
      await registry.delete(kind, { namespace: metadata.namespace, name: metadata.name ?? "" }).catch(ignoreGone);
    },
    onError: (error) => logger.warn({ error: String(error) }, "a definition could not be looked after"),
  });
  registry.setDefinitionKeeper(keeper);
  return keeper;
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof StatusError) || error.code !== 404) throw error;
}
