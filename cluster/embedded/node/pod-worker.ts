import { pause } from "../machinery/clock.ts";
import { coreV1, StatusError } from "../machinery/resources.ts";
import type { PodSandbox } from "./container-host.ts";
import { type ContainerRecord, freshRecord } from "./container-record.ts";
import { ContainerWorker } from "./container-worker.ts";
import { type Container, type ContainerRole, isSidecar, type Pod, podName } from "./kinds.ts";
import { PodGround, type PodHost } from "./pod-ground.ts";
import { podStatus } from "./pod-status.ts";
import { isFinished, lostRecords, previousRecords } from "./previous-records.ts";
import { StatusWriter } from "./status-writer.ts";

/** Runs one pod from the moment it is bound to the node until nothing of it is left. */
export class PodWorker {
  readonly #host: PodHost;
  #pod: Pod;
  readonly #workers = new Map<string, ContainerWorker>();
  #records: Map<string, ContainerRecord>;
  readonly #status: StatusWriter;
  readonly #startTime: number;
  /** Status of a pod that had ended before this process began: it stays. */
  readonly #final: Pod["status"];
  readonly #ended = Promise.withResolvers<void>();
  readonly #ground: PodGround;
  #sandbox: PodSandbox | undefined;
  #stopping: Promise<void> | undefined;
  #abort = new AbortController();

  constructor(host: PodHost, pod: Pod) {
    this.#host = host;
    this.#pod = pod;
    this.#startTime = pod.status?.startTime === undefined ? this.#now() : Date.parse(pod.status.startTime);
    this.#records = previousRecords(pod, this.#now());
    this.#final = isFinished(pod) ? pod.status : undefined;
    this.#ground = new PodGround(host, () => this.#pod);
    this.#status = new StatusWriter({
      resources: host.resources,
      logger: host.containers.logger,
      compute: () => ({ pod: this.#pod, status: this.#computeStatus() }),
    });
  }

  /** Resolves when every process, link and file of the pod is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The network namespace while it exists. */
  get netns(): string | undefined {
    return this.#ground.netns;
  }

  get address(): string | undefined {
    return this.#ground.address;
  }

  worker(container: string): ContainerWorker | undefined {
    return this.#workers.get(container);
  }

  /** What is known of a container, also when it ended before this process began. */
  record(container: string): ContainerRecord | undefined {
    return this.#records.get(container);
  }

  /** Starts the pod's life; never fails. */
  run(): void {
    void this.#run().catch((error: unknown) => {
      this.#host.containers.logger.error(
        { pod: podName(this.#pod), error: error instanceof Error ? error.stack : String(error) },
        "a pod could not be run",
      );
    });
  }

  /** The pod object changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#ground.update(pod);
    if (pod.metadata.deletionTimestamp !== undefined)
      this.terminate((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
    else if ((pod.spec?.readinessGates ?? []).length > 0) this.#status.touch();
    this.#startEphemeral();
  }

  /** Ends the pod and then removes its object. */
  terminate(graceMs: number): void {
    this.#stopping ??= this.#stop(graceMs)
      .then(() => this.#removeObject())
      .finally(() => this.#ended.resolve());
  }

  /** The object is gone already, or the node stops: ends the processes and leaves the object alone. */
  async abandon(graceMs: number): Promise<void> {
    this.#status.close();
    if (graceMs === 0) for (const worker of this.#workers.values()) worker.kill();
    this.#stopping ??= this.#stop(graceMs).finally(() => this.#ended.resolve());
    await this.#stopping;
  }

  async #run(): Promise<void> {
    if (this.#pod.metadata.deletionTimestamp !== undefined) return this.terminate(0);
    if (this.#final !== undefined) return;
    if (
      this.#pod.spec?.restartPolicy === "Never" &&
      [...this.#records.values()].some((record) => record.last !== undefined)
    ) {
      this.#records = lostRecords(this.#records);
      return this.#finish();
    }
    this.#status.touch();
    const sandbox = await this.#prepare();
    if (sandbox === undefined) return;
    this.#sandbox = sandbox;
    this.#status.touch();
    this.#startEphemeral();
    if (!(await this.#runInits(sandbox))) return this.#finish();
    const mains: ContainerWorker[] = [];
    for (const container of this.#pod.spec?.containers ?? []) {
      if (this.#abort.signal.aborted) return;
      const worker = this.#worker(sandbox, { container, role: "main" });
      mains.push(worker);
      const started = worker.start();
      // A postStart hook holds back the containers after it.
      if (container.lifecycle?.postStart !== undefined) await started;
    }
    await Promise.all(mains.map((worker) => worker.completed));
    await this.#finish();
  }

  /** Network, volumes and files; tried again until they are there or the pod ends. */
  async #prepare(): Promise<PodSandbox | undefined> {
    for (let attempt = 0; !this.#abort.signal.aborted; attempt++) {
      try {
        return await this.#ground.setUp();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#host.containers.events.record(this.#pod, {
          type: "Warning",
          reason: "FailedMount",
          message: `Unable to set up the pod: ${message}`,
        });
        await pause(this.#host.containers.clock, Math.min(500 * 2 ** attempt, 30_000), this.#abort.signal);
      }
    }
    return undefined;
  }

  /** Init containers one after the other; sidecars keep running. False when one failed for good or the pod ends. */
  async #runInits(sandbox: PodSandbox): Promise<boolean> {
    for (const container of this.#pod.spec?.initContainers ?? []) {
      if (this.#abort.signal.aborted) return false;
      const worker = this.#worker(sandbox, { container, role: "init" });
      if (isSidecar(container)) {
        await worker.start();
        await worker.whenStarted();
        continue;
      }
      void worker.start();
      const ended = await worker.completed;
      if (ended?.exitCode !== 0) return false;
      this.#setRecord(container.name, { ...worker.record, ready: true });
    }
    return !this.#abort.signal.aborted;
  }

  /** Debugging containers that were added since. */
  #startEphemeral(): void {
    if (this.#sandbox === undefined || this.#abort.signal.aborted) return;
    for (const container of this.#pod.spec?.ephemeralContainers ?? []) {
      if (this.#records.has(container.name) || this.#workers.has(container.name)) continue;
      void this.#worker(this.#sandbox, { container, role: "ephemeral" }).start();
    }
  }

  #worker(sandbox: PodSandbox, part: { container: Container; role: ContainerRole }): ContainerWorker {
    const { name } = part.container;
    const worker: ContainerWorker = new ContainerWorker({
      host: this.#host.containers,
      sandbox,
      ...part,
      record: this.#records.get(name) ?? freshRecord,
      onChange: () => this.#setRecord(name, worker.record),
    });
    this.#workers.set(name, worker);
    return worker;
  }

  #setRecord(name: string, record: ContainerRecord): void {
    this.#records.set(name, record);
    this.#status.touch();
  }

  /** All containers have ended by themselves: sidecars end too, the network goes, the object stays with its final status. */
  async #finish(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#stopping = this.#stop((this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000);
    await this.#stopping;
    await this.#status.flush();
    this.#stopping = undefined;
    if (this.#pod.metadata.deletionTimestamp !== undefined) this.terminate(0);
  }

  async #stop(graceMs: number): Promise<void> {
    this.#abort.abort();
    const deadline = this.#now() + graceMs;
    const left = (): number => Math.max(0, deadline - this.#now());
    const workers = [...this.#workers.values()];
    const sidecar = (worker: ContainerWorker): boolean => worker.role === "init" && isSidecar(worker.container);
    await Promise.all(workers.filter((worker) => !sidecar(worker)).map((worker) => worker.stop(graceMs)));
    for (const worker of workers.filter(sidecar).reverse()) await worker.stop(left());
    await this.#ground.tearDown();
  }

  /** The last status, then the final delete by which the API server lets go of the object. */
  async #removeObject(): Promise<void> {
    await this.#status.flush();
    this.#status.close();
    const { namespace, name, uid } = podName(this.#pod);
    await this.#host.containers.logs.remove(podName(this.#pod));
    await this.#host.resources
      .delete(coreV1("pods"), namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } })
      .catch((error: unknown) => {
        if (error instanceof StatusError && (error.reason === "NotFound" || error.reason === "Conflict")) return;
        this.#host.containers.logger.warn(
          { namespace, name, error: String(error) },
          "a pod that has ended could not be deleted",
        );
      });
  }

  #computeStatus(): ReturnType<typeof podStatus> {
    if (this.#final !== undefined) return this.#final;
    return podStatus(this.#pod, {
      records: this.#records,
      podIp: this.#ground.address ?? this.#pod.status?.podIP,
      hostIp: this.#host.hostIp,
      startTime: this.#startTime,
      now: this.#now(),
    });
  }

  #now(): number {
    return this.#host.containers.clock.now();
  }
}
