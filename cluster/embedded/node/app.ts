import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { watchCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import { createEventRecorder } from "../machinery/events.ts";
import type { NodeBackend, PodRef } from "../machinery/node-backend.ts";
import { coreV1, type Disposer, type Resources } from "../machinery/resources.ts";
import { AddressPool, nodeRange } from "../network/addresses.ts";
import { startClusterNetwork } from "../network/cluster-network.ts";
import { openNamespaces } from "../network/netns.ts";
import { createPodNetwork } from "../network/pod-network.ts";
import { openLibc } from "../sandbox/libc.ts";
import { hasFullIdMap } from "../sandbox/prepare.ts";
import { reapOrphans } from "../sandbox/reaper.ts";
import { createBackend } from "./backend.ts";
import { prepareBaseRoot } from "./base-root.ts";
import type { ContainerHost } from "./container-host.ts";
import { readCatalogue } from "./images.ts";
import { type ConfigMap, type Pod, podName, type Secret, type Service } from "./kinds.ts";
import { LogStore } from "./log-store.ts";
import { type NodeSpec, registerNode } from "./node-object.ts";
import type { PodHost } from "./pod-ground.ts";
import { PodWorker } from "./pod-worker.ts";
import type { MintToken } from "./tokens.ts";

export interface NodeOptions {
  readonly resources: Resources;
  /** Logs and emptyDirs; survives the sandbox. */
  readonly stateDir: string;
  readonly imagesDir: string;
  /** The first node's address is `nodeAddresses(nodes.length)[0]`, and so on. */
  readonly nodes: readonly NodeSpec[];
  readonly podCidr: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mintToken: MintToken;
  /** PEM. */
  readonly clusterCa: string;
  readonly kubeletVersion: string;
  /** Cluster IPs that programs of the machine itself answer on (API server, DNS): not routed to endpoints. */
  readonly ownAddresses: readonly string[];
  readonly dns: { readonly server: string; readonly domain: string };
}

export interface RunningNode {
  readonly backend: NodeBackend;
  /** Ends every pod's processes; gracefully gives them their time (at most 10 seconds). The pods' objects stay. */
  stop(gracefully: boolean): Promise<void>;
}

const RUN_DIR = "/run/slipway";
const STOP_GRACE_MS = 10_000;

/** Addresses of the simulated nodes. prepareSandbox must have been given them before. */
export function nodeAddresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `172.18.0.${index + 2}`);
}

/** Starts the node: registers it, starts routing and DNS, runs every pod that is bound to it. The sandbox must be prepared. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { resources, clock, logger } = options;
  const addresses = nodeAddresses(options.nodes.length);
  const disposers: Disposer[] = [];
  const container = await containerHost(options, disposers);
  const network = await startClusterNetwork({
    resources,
    clock,
    logger,
    services: container.services,
    dns: options.dns,
    nodeAddresses: addresses,
    ownAddresses: options.ownAddresses,
    podCidr: options.podCidr,
  });
  const podNetwork = createPodNetwork(container.namespaces);
  const hosts = new Map<string, PodHost>();
  for (const [index, spec] of options.nodes.entries()) {
    const address = addresses[index] ?? "";
    const podCidr = nodeRange(options.podCidr, index);
    const facts = { ...spec, address, podCidr, images: container.images.all(), kubeletVersion: options.kubeletVersion };
    disposers.push(await registerNode({ resources, clock, logger }, facts));
    hosts.set(spec.name, {
      resources,
      containers: container,
      volumes: volumeHost(options, container),
      network: podNetwork,
      addresses: new AddressPool(podCidr),
      hostIp: address,
      dns: options.dns,
      runDir: join(RUN_DIR, "pods"),
    });
  }
  const pods = await watchPods(resources, hosts, container.logs);
  const find = (ref: PodRef): PodWorker | undefined => pods.find(ref);
  return {
    backend: createBackend({ find, logs: container.logs, namespaces: container.namespaces, clock }),
    stop: async (gracefully) => {
      pods.close();
      await pods.abandon(gracefully ? STOP_GRACE_MS : 0);
      for (const dispose of disposers) dispose();
      await network.close();
    },
  };
}

async function containerHost(options: NodeOptions, disposers: Disposer[]): Promise<ContainerHost> {
  const { resources, clock, logger } = options;
  const configMaps = watchCache<ConfigMap>(resources, coreV1("configmaps"));
  const secrets = watchCache<Secret>(resources, coreV1("secrets"));
  const services = watchCache<Service>(resources, coreV1("services"));
  const libc = openLibc();
  disposers.push(configMaps.close, secrets.close, services.close, reapOrphans(libc));
  await Promise.all([
    rm(diskDir(options), { recursive: true, force: true }),
    mkdir(join(RUN_DIR, "pods"), { recursive: true }),
  ]);
  const [images, base, fullIdMap] = await Promise.all([
    readCatalogue(options.imagesDir),
    prepareBaseRoot(join(RUN_DIR, "base"), process.execPath),
    hasFullIdMap(),
  ]);
  await Promise.all([configMaps.synced, secrets.synced, services.synced]);
  return {
    clock,
    logger,
    events: createEventRecorder({ resources, clock, logger, host: options.nodes[0]?.name ?? "slipway" }),
    images,
    namespaces: openNamespaces(libc),
    libc,
    base,
    fullIdMap,
    logs: new LogStore(join(options.stateDir, "pod-logs"), clock),
    configMaps,
    secrets,
    services,
  };
}

const diskDir = (options: NodeOptions): string => join(options.stateDir, "pods");

function volumeHost(options: NodeOptions, container: ContainerHost): PodHost["volumes"] {
  const { clock, logger, configMaps, secrets, fullIdMap } = container;
  return {
    clock,
    logger,
    configMaps,
    secrets,
    fullIdMap,
    mintToken: options.mintToken,
    clusterCa: options.clusterCa,
    memoryDir: join(RUN_DIR, "pods"),
    diskDir: diskDir(options),
  };
}

interface PodWatch {
  find(ref: PodRef): PodWorker | undefined;
  close(): void;
  abandon(graceMs: number): Promise<void>;
}

/** Keeps a worker for each pod that is bound to one of the nodes and has not ended. */
async function watchPods(resources: Resources, hosts: ReadonlyMap<string, PodHost>, logs: LogStore): Promise<PodWatch> {
  const workers = new Map<string, PodWorker>();
  const start = (pod: Pod, host: PodHost): void => {
    const worker = new PodWorker(host, pod);
    workers.set(podName(pod).uid, worker);
    worker.run();
  };
  const pods = watchCache<Pod>(resources, coreV1("pods"));
  const apply = (before: Pod | undefined, after: Pod | undefined): void => {
    const { uid } = podName(after ?? before ?? missing());
    const worker = workers.get(uid);
    if (after === undefined) {
      workers.delete(uid);
      if (worker !== undefined) void worker.abandon(0).then(() => logs.remove(podName(worker.pod)));
      return;
    }
    const host = hosts.get(after.spec?.nodeName ?? "");
    if (worker !== undefined) worker.update(after);
    else if (host !== undefined) start(after, host);
  };
  await pods.synced;
  // Pods that have an address take it back before new ones are given any.
  const known = [...pods.all()].sort((left, right) => addressed(right) - addressed(left));
  for (const pod of known) apply(undefined, pod);
  pods.onChange(({ before, after }) => apply(before, after));
  await logs.keepOnly([...pods.all()].map(podName));
  return {
    find: (ref) => {
      const pod = pods.get(ref.namespace, ref.name);
      return pod === undefined ? undefined : workers.get(podName(pod).uid);
    },
    close: pods.close,
    abandon: async (graceMs) => {
      await Promise.all([...workers.values()].map((worker) => worker.abandon(graceMs)));
    },
  };
}

const addressed = (pod: Pod): number => (pod.status?.podIP === undefined ? 0 : 1);

function missing(): never {
  throw new Error("a change without an object");
}
