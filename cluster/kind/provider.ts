import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { KindSettings } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import { defaultValues, type MeshValues } from "#mesh/deploy/values.ts";
import type { ClusterProvider, ProviderContext, RunningCluster } from "../provider.ts";
import { readArchive } from "./archive.ts";
import { gatewayNodePorts, kindConfiguration } from "./configuration.ts";
import { connectEngine, type Engine } from "./engine.ts";
import { type ImageOptions, provideImages } from "./images.ts";
import { checkKindVersion, createCluster, deleteCluster, exportKubeconfig, type KindCommand } from "./kind-command.ts";
import { findKind } from "./kind-program.ts";
import type { LabImages } from "./lab-images.ts";
import { serveLoadBalancers } from "./load-balancer.ts";
import { loadImages } from "./load-images.ts";
import { chooseNodeImage } from "./node-image.ts";
import { explainFailure } from "./node-report.ts";
import { whenNodesEnd } from "./node-watch.ts";
import { type KindNode, listNodes, mappedPort } from "./nodes.ts";
import { checkEngineCommand, engineFacts, judgeEngine } from "./preflight.ts";
import { whenApiReady, whenNodesReady, whenSettled } from "./ready.ts";
import { freeName, readRecord, writeRecord } from "./record.ts";
import { usageOfNodes } from "./usage.ts";

export interface KindOptions {
  readonly name: string;
  /** Holds the record of the cluster and its kubeconfig. */
  readonly stateFolder: string;
  /** Where a downloaded kind program is kept. */
  readonly binFolder: string;
  readonly imagesFolder: string;
  /** Holds images to be loaded instead of built; see archive.ts. */
  readonly archiveFolder: string;
  readonly zones: readonly string[];
  readonly settings: KindSettings;
}

/** Seconds that a node has to end by itself. */
const STOP_S = 5;
/** From here on the nodes run and can take images, while kind sets up Kubernetes in them. */
const NODES_RUN = "Starting control-plane";

/** What a start works with. */
interface Tools {
  readonly engine: Engine;
  readonly command: KindCommand;
}

/** Real Kubernetes in containers of a Docker engine. */
export function kindProvider(options: KindOptions): ClusterProvider {
  let checked: Tools | undefined;
  // Ends what looks after the running cluster.
  let watch = new AbortController();
  const tools = async (context: ProviderContext): Promise<Tools> => {
    const engine = await connectEngine();
    context.detail("asking the Docker engine");
    judgeEngine(await engineFacts(engine), options.zones.length, context);
    await checkEngineCommand(engine);
    const command = { program: await findKind(options, context), env: engine.env };
    context.log(`kind ${await checkKindVersion(command)} (${command.program})`);
    return { engine, command };
  };
  return {
    kind: "kind",
    deletesRunning: true,
    exists: async () => (await readRecord(options.stateFolder))?.complete === true,
    preflight: async (context) => {
      checked = await tools(context);
    },
    start: async (context) => {
      const found = checked ?? (await tools(context));
      checked = undefined;
      watch.abort();
      watch = new AbortController();
      return start({ ...options, watch }, found, context);
    },
    delete: async () => {
      watch.abort();
      const record = await readRecord(options.stateFolder);
      if (record !== undefined) await remove(options, record.kindName);
      await rm(options.stateFolder, { recursive: true, force: true });
    },
  };
}

const kubeconfigOf = ({ stateFolder }: KindOptions): string => join(stateFolder, "kubeconfig");

async function remove(options: KindOptions, kindName: string): Promise<void> {
  const engine = await connectEngine();
  if ((await listNodes(engine, kindName)).length === 0) return;
  const quiet: ProviderContext = { signal: new AbortController().signal, detail: () => {}, log: () => {} };
  const command = { program: await findKind(options, quiet), env: engine.env };
  await deleteCluster(command, kindName, kubeconfigOf(options));
}

interface StartOptions extends KindOptions {
  readonly watch: AbortController;
}

async function start(options: StartOptions, tools: Tools, context: ProviderContext): Promise<RunningCluster> {
  const { stateFolder } = options;
  const { engine, command } = tools;
  const record = await readRecord(stateFolder);
  const left = record === undefined ? [] : await listNodes(engine, record.kindName);
  if (record !== undefined && left.length > 0 && record.complete) {
    const images = await resume(options, { tools, kindName: record.kindName, nodes: left }, context);
    return running(options, { tools, kindName: record.kindName, images }, context);
  }
  if (record !== undefined && left.length > 0) {
    context.log("a start that was cut off has left nodes behind; they are removed");
    await deleteCluster(command, record.kindName, kubeconfigOf(options));
  }
  const kindName = await freeName(engine, options.name);
  const images = await create(options, { tools, kindName }, context);
  return running(options, { tools, kindName, images }, context);
}

const imageOptions = ({ imagesFolder, archiveFolder, settings }: KindOptions): ImageOptions => ({
  imagesFolder,
  archiveFolder,
  baseImage: settings.baseImage,
});

interface Creation {
  readonly tools: Tools;
  readonly kindName: string;
}

/** Makes the cluster. The images are built while kind works, and brought in as soon as there are nodes. */
async function create(options: KindOptions, { tools, kindName }: Creation, outer: ProviderContext): Promise<LabImages> {
  const { engine, command } = tools;
  const { stateFolder, settings } = options;
  // One of the two that fails ends the other.
  const failed = new AbortController();
  const context = { ...outer, signal: AbortSignal.any([outer.signal, failed.signal]) };
  await writeRecord(stateFolder, { kindName, complete: false });
  const carried = (await readArchive(options.archiveFolder))?.node;
  // It must be on the engine before kind looks for it.
  if (carried !== undefined) await provideImages(engine, imageOptions(options), context);
  const { image, kubelet } = await chooseNodeImage(engine, settings, carried);
  const configuration = kindConfiguration({
    zones: options.zones,
    ports: settings.ports ?? [],
    kubelet,
    patch: settings.configPatch,
  });
  context.log(configuration);
  const nodesRun = Promise.withResolvers<void>();
  const made = createCluster(command, {
    name: kindName,
    image,
    configuration,
    kubeconfig: kubeconfigOf(options),
    signal: context.signal,
    onLine: context.log,
    onProgress: ({ step, state }) => {
      if (state === "running") context.detail(step);
      if (step.startsWith(NODES_RUN)) nodesRun.resolve();
    },
  })
    .catch(async (error: unknown) => {
      throw context.signal.aborted ? error : await explainFailure(engine, kindName, error);
    })
    .finally(() => nodesRun.resolve());
  const loaded = provideImages(engine, imageOptions(options), context).then(async (images) => {
    await nodesRun.promise;
    context.signal.throwIfAborted();
    await loadImages(engine, await listNodes(engine, kindName), { images, context });
    return images;
  });
  const fail = (error: unknown): never => {
    failed.abort(error);
    throw error;
  };
  const [, outcome] = await Promise.allSettled([made.catch(fail), loaded.catch(fail)]);
  if (failed.signal.aborted || outcome.status === "rejected") {
    await deleteCluster(command, kindName, kubeconfigOf(options)).catch(() => {});
    outer.signal.throwIfAborted();
    throw failed.signal.reason;
  }
  await limitNodes(await listNodes(engine, kindName), settings);
  await writeRecord(stateFolder, { kindName, complete: true });
  return outcome.value;
}

async function limitNodes(nodes: readonly KindNode[], { limits }: KindSettings): Promise<void> {
  if (limits === undefined) return;
  const { memoryMb, cpus } = limits;
  const memory = memoryMb === undefined ? {} : { Memory: memoryMb * 1e6, MemorySwap: memoryMb * 1e6 };
  const processors = cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) };
  await Promise.all(nodes.map(({ container }) => container.update({ ...memory, ...processors })));
}

/** Starts what was stopped, and brings the images up to date. */
async function resume(
  options: KindOptions,
  { tools, kindName, nodes }: Creation & { readonly nodes: readonly KindNode[] },
  context: ProviderContext,
): Promise<LabImages> {
  const { engine, command } = tools;
  const stopped = nodes.filter(({ running: isRunning }) => !isRunning);
  const startedAt = Date.now();
  context.detail(stopped.length === 0 ? "the cluster's nodes run already" : "starting the nodes");
  // In order: Docker gives addresses as containers come, and nodes know each other by them.
  for (const { container } of stopped) await container.start({ abortSignal: context.signal });
  const images = await provideImages(engine, imageOptions(options), context);
  await exportKubeconfig(command, kindName, kubeconfigOf(options));
  await whenApiReady(kubeconfigOf(options), context);
  await loadImages(engine, nodes, { images, context });
  if (stopped.length > 0) await whenSettled(kubeconfigOf(options), startedAt, context);
  return images;
}

interface Made extends Creation {
  readonly images: LabImages;
}

async function running(
  options: StartOptions,
  { tools: { engine }, kindName, images }: Made,
  context: ProviderContext,
): Promise<RunningCluster> {
  const kubeconfig = kubeconfigOf(options);
  await mkdir(options.stateFolder, { recursive: true, mode: 0o700 });
  await chmod(kubeconfig, 0o600);
  const kubernetesVersion = await whenApiReady(kubeconfig, context);
  const nodes = await listNodes(engine, kindName);
  const [first] = nodes;
  if (first === undefined) throw new AppError("CLUSTER_START_FAILED", `the cluster ${kindName} has no nodes`);
  if (nodes.length > 1) await whenNodesReady(kubeconfig, nodes.length, context);
  const gatewayPort = await mappedPort(first, gatewayNodePorts.http);
  const copies = options.zones.length > 1 ? 2 : 1;
  const mesh: MeshValues = {
    ...defaultValues,
    image: images.mesh,
    gatewayNodePorts,
    controlPlaneReplicas: copies,
    gatewayReplicas: copies,
  };
  const { signal } = options.watch;
  void serveLoadBalancers({ engine, cluster: kindName, kubeconfig, signal });
  return {
    name: options.name,
    kubernetesVersion,
    kubeconfig,
    mesh,
    gatewayUrl: gatewayPort === undefined ? undefined : `http://127.0.0.1:${gatewayPort}/`,
    pid: undefined,
    ended: whenNodesEnd(engine, kindName, signal),
    usage: usageOfNodes(engine, kindName),
    stop: async () => {
      options.watch.abort();
      await Promise.all((await listNodes(engine, kindName)).map(stopNode));
    },
  };
}

async function stopNode({ container, running: isRunning }: KindNode): Promise<void> {
  if (!isRunning) return;
  await container.stop({ t: STOP_S }).catch((error: { readonly statusCode?: number }) => {
    // Stopped or gone in the meantime.
    if (error.statusCode !== 304 && error.statusCode !== 404) throw error;
  });
}
