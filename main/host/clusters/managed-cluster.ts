import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterDefinition } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import type { TrafficSettings } from "#api/lab.ts";
import { images } from "#api/names.ts";
import type { RunningCluster } from "#cluster/provider.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import type { HostConfig } from "../config.ts";
import { withImage } from "../image-names.ts";
import { createClusterApi } from "../kube-cluster-api.ts";
import { type LabCluster, openLabCluster } from "../lab-cluster.ts";
import type { Lab } from "../labs/lab-folder.ts";
import { LabService } from "../labs/lab-service.ts";
import type { LabEffects } from "../labs/lab-session.ts";
import { ProgressStore } from "../labs/progress.ts";
import { type Observable, Subject } from "../observable.ts";
import { labSteps } from "../provisioning/lab-steps.ts";
import { Provisioning } from "../provisioning/provisioning.ts";
import type { HostSettings } from "../settings.ts";
import { poll } from "../telemetry/poll.ts";
import { isReady } from "../telemetry/workloads.ts";
import { createMeasurements } from "../traffic/measurements.ts";
import { providerOf } from "./providers.ts";

export interface ManagedClusterParts {
  readonly config: HostConfig;
  readonly settings: HostSettings;
  readonly labs: readonly Lab[];
  /** The cluster's own folder. */
  readonly folder: string;
}

/** One cluster with all that belongs to it: how it is brought up, the labs on it and how far they are, what is measured. */
export interface ManagedCluster {
  readonly definition: ClusterDefinition;
  readonly provisioning: Provisioning;
  readonly labs: LabService;
  /** Undefined while it does not run. */
  readonly cluster: Observable<LabCluster | undefined>;
  /** The running cluster; throws NOT_RUNNING. */
  running(): LabCluster;
  /** Stops it, or deletes it with all its state. */
  end(remove: boolean): Promise<void>;
}

const MEASURE_MS = 5000;
/** How long the traffic generator may take to come back. */
const TRAFFIC_MS = 180_000;

export async function createManagedCluster(
  definition: ClusterDefinition,
  parts: ManagedClusterParts,
): Promise<ManagedCluster> {
  const cluster = new Subject<LabCluster | undefined>(undefined);
  const store = await ProgressStore.open(join(parts.folder, "labs.json"));
  const running = (): LabCluster => {
    if (cluster.value === undefined)
      throw new AppError("NOT_RUNNING", `the cluster "${definition.name}" does not run`, { hint: "Start it first." });
    return cluster.value;
  };
  const labs = new LabService(parts.labs, store, () => labEffects(running()));
  const provisioning = await createProvisioning(definition, { ...parts, cluster, sessions: labs });
  const stopMeasuring = poll(() => measure(provisioning, cluster.value), { everyMs: MEASURE_MS, onError: () => {} });
  return {
    definition,
    provisioning,
    labs,
    cluster,
    running,
    end: async (remove) => {
      stopMeasuring();
      await (remove ? provisioning.delete() : provisioning.stop());
    },
  };
}

interface ProvisioningParts extends Omit<ManagedClusterParts, "labs"> {
  readonly cluster: Subject<LabCluster | undefined>;
  readonly sessions: LabService;
}

async function createProvisioning(
  definition: ClusterDefinition,
  { config, settings, folder, cluster, sessions }: ProvisioningParts,
): Promise<Provisioning> {
  const provider = providerOf(definition, { config, settings, stateFolder: folder });
  const connection = (running: RunningCluster) => kubeconfigConnection(running.kubeconfig);
  // A cluster that goes and comes back goes on under the traffic that it had, and people find the shop where it was.
  let traffic: TrafficSettings | undefined;
  let localPort: number | undefined;
  return new Provisioning({
    name: definition.name,
    provider,
    exists: await provider.exists(),
    steps: (running) =>
      labSteps({
        connection: () => connection(running()),
        mesh: () => ({ ...running().mesh, ...settings.mesh }),
        readManifest: async (name) =>
          withImage(await readFile(join(config.folders.manifests, name), "utf8"), running().appsImage ?? images.apps),
      }),
    onReady: async (running) => {
      const api = createClusterApi(connection(running), running.appsImage);
      const opened = await openLabCluster(api, { url: running.gatewayUrl, localPort });
      localPort = Number(new URL(opened.shopUrl).port);
      cluster.set(opened);
      if (traffic !== undefined) void opened.generator.start(traffic, AbortSignal.timeout(TRAFFIC_MS)).catch(() => {});
    },
    onGone: async () => {
      sessions.closeSessions();
      const gone = cluster.value;
      const generator = gone?.generator.status.value;
      if (generator !== undefined) traffic = generator.running ? generator.settings : undefined;
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
  const usage = await provisioning.cluster?.usage().catch(() => undefined);
  const pods = cluster?.collector.pods.value.filter((pod) => pod.status?.phase !== "Succeeded");
  provisioning.measured({
    memoryBytes: usage?.memoryBytes,
    nodes: cluster?.nodes.value.map((node) => ({ ...node, usage: usage?.nodes[node.name] })),
    pods: pods && { ready: pods.filter(isReady).length, total: pods.length },
  });
}
