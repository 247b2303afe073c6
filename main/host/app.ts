import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "#api/errors.ts";
import { embeddedProvider } from "#cluster/embedded/provider.ts";
import type { RunningCluster } from "#cluster/provider.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import type { HostConfig } from "./config.ts";
import { claimInstance } from "./instance.ts";
import { createClusterApi } from "./kube-cluster-api.ts";
import { type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { readLabs } from "./labs/lab-folder.ts";
import { LabService } from "./labs/lab-service.ts";
import type { LabEffects } from "./labs/lab-session.ts";
import { ProgressStore } from "./labs/progress.ts";
import { Subject } from "./observable.ts";
import { labSteps } from "./provisioning/lab-steps.ts";
import { Provisioning } from "./provisioning/provisioning.ts";
import { createCalls } from "./rpc/calls.ts";
import { startRpcServer } from "./rpc/server.ts";
import { createStreams } from "./rpc/streams.ts";
import type { HostServices } from "./services.ts";
import { poll } from "./telemetry/poll.ts";
import { isReady } from "./telemetry/workloads.ts";
import { openLocalShell } from "./terminals/local-shell.ts";
import { openPodShell } from "./terminals/pod-shell.ts";
import { Terminals } from "./terminals/terminals.ts";
import { createMeasurements } from "./traffic/measurements.ts";

export interface Host {
  /** Address of the interface, without the token. */
  readonly url: string;
  readonly token: string;
  readonly services: HostServices;
  /** Ends everything that the host started; the cluster's state stays unless a shutdown asked to delete it. */
  stop(): Promise<void>;
}

const MEASURE_MS = 5000;
const CLUSTER_NAME = "default";

/** Builds the whole host: claims the state folder, serves the interface, and waits to be told to start the cluster. */
export async function buildHost(config: HostConfig, onShutdown: () => void): Promise<Host> {
  const instance = await claimInstance(config.stateFolder);
  try {
    const clusterFolder = join(config.stateFolder, "clusters", CLUSTER_NAME);
    const cluster = new Subject<LabCluster | undefined>(undefined);
    const [labs, store] = await Promise.all([
      readLabs(config.folders.labs),
      ProgressStore.open(join(clusterFolder, "labs.json")),
    ]);
    let deleteState = false;
    const running = (): LabCluster => {
      if (cluster.value === undefined)
        throw new AppError("NOT_RUNNING", "the cluster does not run", { hint: "Start it first." });
      return cluster.value;
    };
    const labService = new LabService(labs, store, () => labEffects(running()));
    const provisioning = createProvisioning({ config, clusterFolder, cluster, labs: labService });
    const terminals = new Terminals(async (target, size) => {
      const { slipway } = config.folders;
      if (target.kind !== "local") return openPodShell(running().api, target, size);
      return openLocalShell({
        ...size,
        slipway,
        binFolder: join(config.stateFolder, "bin"),
        kubeconfig: provisioning.cluster?.kubeconfig,
      });
    });
    const services: HostServices = {
      mode: config.mode,
      provisioning,
      labs: labService,
      terminals,
      cluster,
      running,
      shutdown: (remove) => {
        deleteState = remove;
        onShutdown();
      },
    };
    const server = await startRpcServer({
      port: config.port,
      token: instance.token,
      rendererFolder: config.folders.renderer,
      calls: createCalls(services),
      streams: createStreams(services),
    });
    await instance.publish(server.url);
    const stopMeasuring = poll(() => measure(provisioning, cluster.value), { everyMs: MEASURE_MS, onError: () => {} });
    return {
      url: server.url,
      token: instance.token,
      services,
      stop: async () => {
        stopMeasuring();
        terminals.closeAll();
        await (deleteState ? provisioning.delete() : provisioning.stop());
        await server.close();
        await instance.release();
      },
    };
  } catch (error) {
    await instance.release();
    throw error;
  }
}

interface ProvisioningParts {
  readonly config: HostConfig;
  readonly clusterFolder: string;
  readonly cluster: Subject<LabCluster | undefined>;
  readonly labs: LabService;
}

function createProvisioning({ config, clusterFolder, cluster, labs }: ProvisioningParts): Provisioning {
  const connection = (running: RunningCluster) => kubeconfigConnection(running.kubeconfig);
  return new Provisioning({
    name: CLUSTER_NAME,
    provider: embeddedProvider({
      name: CLUSTER_NAME,
      stateFolder: clusterFolder,
      imagesFolder: config.folders.images,
      entry: config.folders.embedded,
    }),
    steps: (running) =>
      labSteps({
        connection: () => connection(running()),
        readManifest: (name) => readFile(join(config.folders.manifests, name), "utf8"),
      }),
    onReady: async (running) => cluster.set(await openLabCluster(createClusterApi(connection(running)))),
    onGone: async () => {
      labs.closeSessions();
      const gone = cluster.value;
      cluster.set(undefined);
      await gone?.dispose();
    },
  });
}

function labEffects({ api, collector, generator }: LabCluster): LabEffects {
  return {
    apply: (yaml) => api.apply(yaml),
    remove: (yaml) => api.remove(yaml),
    startTraffic: (settings) => generator.start(settings),
    measurements: createMeasurements(api, collector, generator),
  };
}

async function measure(provisioning: Provisioning, cluster: LabCluster | undefined): Promise<void> {
  const memoryBytes = await provisioning.cluster?.memoryBytes();
  const pods = cluster?.collector.pods.value.filter((pod) => pod.status?.phase !== "Succeeded");
  provisioning.measured({ memoryBytes, pods: pods && { ready: pods.filter(isReady).length, total: pods.length } });
}
