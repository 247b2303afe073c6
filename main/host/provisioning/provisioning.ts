import { AppError, toErrorReport } from "#api/errors.ts";
import type { ClusterStatus } from "#api/rpc/cluster.ts";
import type { ClusterProvider, RunningCluster } from "#cluster/provider.ts";
import { type Observable, Subject } from "../observable.ts";
import { BringUp, type Step } from "./bring-up.ts";

export interface ProvisioningOptions {
  readonly name: string;
  /** Whether the provider has it from an earlier start. */
  readonly exists: boolean;
  readonly provider: ClusterProvider;
  /** The steps after the cluster answers; they run against the kubeconfig. */
  readonly steps: (cluster: () => RunningCluster) => readonly Step[];
  readonly onReady: (cluster: RunningCluster) => Promise<void>;
  /** Told before the cluster goes, for whatever reason. */
  readonly onGone: () => Promise<void>;
}

/** A cluster that ended is started again so often within this time; one that always ends is left for a person to look at. */
const RESTARTS = { most: 3, withinMs: 600_000 };

/** Brings the cluster up and down and says how far it is. One at a time. */
export class Provisioning {
  readonly status: Observable<ClusterStatus>;
  readonly #options: ProvisioningOptions;
  readonly #status: Subject<ClusterStatus>;
  #bringUp: BringUp | undefined;
  #cluster: RunningCluster | undefined;
  /** When it was started again because it had ended by itself, in milliseconds since the epoch. */
  #restarts: readonly number[] = [];
  #working: Promise<void> = Promise.resolve();

  constructor(options: ProvisioningOptions) {
    this.#options = options;
    this.#status = new Subject<ClusterStatus>({
      phase: options.exists ? "stopped" : "absent",
      provider: options.provider.kind,
      name: options.name,
      kubernetesVersion: undefined,
      kubeconfig: undefined,
      steps: [],
      startedAt: undefined,
      readyAt: undefined,
      memoryBytes: undefined,
      pods: undefined,
      nodes: undefined,
      error: undefined,
    });
    this.status = this.#status;
  }

  get cluster(): RunningCluster | undefined {
    return this.#cluster;
  }

  /** Begins to start unless it runs or starts already. Its outcome is in the status. */
  start(): void {
    const { phase } = this.#status.value;
    if (phase === "ready" || phase === "starting") return;
    this.#change({ phase: "starting", error: undefined, startedAt: Date.now(), readyAt: undefined });
    this.#working = this.#working.then(() => this.#start());
  }

  cancel(): void {
    this.#bringUp?.cancel();
  }

  async stop(): Promise<void> {
    this.cancel();
    await this.#working;
    if (this.#cluster === undefined) return;
    this.#change({ phase: "stopping" });
    await this.#end();
    this.#change({ phase: "stopped" });
  }

  async delete(): Promise<void> {
    const { provider } = this.#options;
    if (provider.deletesRunning) {
      this.cancel();
      await this.#working;
      await this.#leave();
      this.#change({ phase: "stopping" });
    } else await this.stop();
    await provider.delete();
    this.#change({ phase: "absent", steps: [], error: undefined });
  }

  stepLog(step: string): Observable<readonly string[]> {
    if (this.#bringUp === undefined) throw new AppError("NOT_FOUND", "nothing was started yet");
    return this.#bringUp.log(step);
  }

  /** What is measured while it runs. */
  measured(change: Pick<Partial<ClusterStatus>, "memoryBytes" | "pods" | "nodes">): void {
    if (this.#status.value.phase === "ready") this.#change(change);
  }

  async #start(): Promise<void> {
    const bringUp = new BringUp(this.#steps());
    this.#bringUp = bringUp;
    const unwatch = bringUp.steps.watch((steps) => this.#change({ steps }));
    try {
      await bringUp.run();
      this.#change({ phase: "ready", readyAt: Date.now() });
    } catch (error) {
      await this.#end();
      const report = toErrorReport(error);
      this.#change({ phase: report.code === "CANCELLED" ? "cancelled" : "failed", error: report });
    } finally {
      unwatch();
    }
  }

  #steps(): readonly Step[] {
    const { provider, steps, onReady } = this.#options;
    return [
      { id: "preflight", title: "Check this machine", after: [], run: (context) => provider.preflight(context) },
      {
        id: "cluster",
        title: "Start the cluster",
        after: ["preflight"],
        run: async (context) => {
          const cluster = await provider.start(context);
          this.#cluster = cluster;
          this.#change({ kubernetesVersion: cluster.kubernetesVersion, kubeconfig: cluster.kubeconfig });
          void cluster.ended.then((why) => this.#onEnded(cluster, why));
          await onReady(cluster);
        },
      },
      ...steps(() => {
        if (this.#cluster === undefined) throw new AppError("NOT_RUNNING", "the cluster has ended");
        return this.#cluster;
      }),
    ];
  }

  /** The cluster ended though nobody asked it to. One that was ready is started again with the state that it had. */
  #onEnded(cluster: RunningCluster, why: string): void {
    if (this.#cluster !== cluster) return;
    const wasReady = this.#status.value.phase === "ready";
    this.cancel();
    const error = { code: "CLUSTER_START_FAILED", message: why, hint: "Start it again; its state is kept." } as const;
    this.#working = this.#working.then(async () => {
      await this.#end();
      this.#change({ phase: "failed", error });
      if (!wasReady) return;
      this.#restarts = this.#restarts.filter((at) => Date.now() - at < RESTARTS.withinMs);
      if (this.#restarts.length >= RESTARTS.most) return;
      this.#restarts = [...this.#restarts, Date.now()];
      this.start();
    });
  }

  async #end(): Promise<void> {
    const cluster = await this.#leave();
    await cluster?.stop();
  }

  /** Lets go of the cluster, which may go on running. */
  async #leave(): Promise<RunningCluster | undefined> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await this.#options.onGone();
    this.#change({ kubeconfig: undefined, memoryBytes: undefined, pods: undefined, nodes: undefined });
    return cluster;
  }

  #change(change: Partial<ClusterStatus>): void {
    this.#status.update((status) => ({ ...status, ...change }));
  }
}
