import type { NodeUsage, ProviderKind } from "#api/rpc/cluster.ts";
import type { MeshValues } from "#mesh/deploy/values.ts";

/**
 * Where a cluster comes from. Small on purpose: everything that happens in a cluster goes through its Kubernetes API, so a
 * provider only makes clusters, ends them and says how to reach them.
 */
export interface ClusterProvider {
  readonly kind: ProviderKind;
  /** Whether there is one from an earlier start, which the next start goes on with. */
  exists(): Promise<boolean>;
  /** Checks what starting needs, without changing anything. Throws an AppError that says what is missing and what to do. */
  preflight(context: ProviderContext): Promise<void>;
  /** Starts the cluster, making it if there is none. On failure or abort nothing of it keeps running. */
  start(context: ProviderContext): Promise<RunningCluster>;
  /** Deletes the cluster and all its state. It has been stopped before, unless `deletesRunning`. */
  delete(): Promise<void>;
  /** Whether a running cluster is deleted at once: stopping one only to delete it may take long. */
  readonly deletesRunning: boolean;
}

export interface ClusterUsage {
  readonly memoryBytes: number | undefined;
  /** By the names that Kubernetes has for the nodes. */
  readonly nodes: Readonly<Record<string, NodeUsage>>;
}

export interface ProviderContext {
  readonly signal: AbortSignal;
  /** What is being done right now, in a few words. */
  detail(text: string): void;
  log(line: string): void;
}

export interface RunningCluster {
  readonly name: string;
  readonly kubernetesVersion: string;
  /** Path of a kubeconfig with full rights. */
  readonly kubeconfig: string;
  /** How the mesh is installed here: images that this cluster has, ports that are reached from outside. */
  readonly mesh: MeshValues;
  /** Image that the shop and the traffic generator run here; undefined: as their manifests say. */
  readonly appsImage?: string | undefined;
  /** Where this machine reaches port 80 of the mesh's gateway; undefined where a port-forward has to do. */
  readonly gatewayUrl: string | undefined;
  /** Process outside that the cluster is; undefined when it is not ours to end. */
  readonly pid: number | undefined;
  /** Settles when the cluster ends by itself, with why. */
  readonly ended: Promise<string>;
  /** What it uses of this machine now, as far as that can be seen. */
  usage(): Promise<ClusterUsage>;
  /** Stops it and keeps its state. */
  stop(): Promise<void>;
}
