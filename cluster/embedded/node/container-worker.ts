import { pause } from "../machinery/clock.ts";
import { type BackOff, nextRestart, noBackOff } from "./backoff.ts";
import type { ContainerHost, PodSandbox } from "./container-host.ts";
import { type ContainerPlan, planContainer, readTerminationMessage, StartError } from "./container-plan.ts";
import { ContainerProbes } from "./container-probes.ts";
import { type ContainerProcess, startContainer } from "./container-process.ts";
import { type ContainerRecord, freshRecord, type Terminated } from "./container-record.ts";
import type { CriLog } from "./cri-log.ts";
import { type ExecTarget, execToEnd } from "./exec.ts";
import { runHook } from "./hooks.ts";
import { type Container, type ContainerRole, isSidecar, type PodName, type PodSpec, podName } from "./kinds.ts";
import { restarts } from "./pod-status.ts";
import type { ProbeTarget } from "./probe.ts";
import { crashBackOff, terminatedState } from "./termination.ts";

export interface WorkerOptions {
  readonly host: ContainerHost;
  readonly sandbox: PodSandbox;
  readonly container: Container;
  readonly role: ContainerRole;
  /** What is known from before a restart of the cluster. */
  readonly record?: ContainerRecord;
  /** The record changed: the pod's status has to be written. */
  readonly onChange: () => void;
}

interface RunningContainer {
  readonly process: ContainerProcess;
  readonly log: CriLog;
  /** Set once its namespaces are there. */
  target: ExecTarget | undefined;
  readonly startedAt: number;
}

const lists: Readonly<Record<ContainerRole, keyof PodSpec>> = {
  init: "initContainers",
  main: "containers",
  ephemeral: "ephemeralContainers",
};

/** Runs one container of a pod: starts it, watches it by its probes, starts it again as the restart policy says, ends it. */
export class ContainerWorker {
  readonly container: Container;
  readonly role: ContainerRole;
  record: ContainerRecord;
  /** Resolves when the container has ended and will not be started again. */
  readonly completed: Promise<Terminated | undefined>;
  readonly #options: WorkerOptions;
  readonly #pod: PodName;
  readonly #complete: (state: Terminated | undefined) => void;
  readonly #stopping = new AbortController();
  #backOff: BackOff = noBackOff;
  #running: RunningContainer | undefined;
  #probes: ContainerProbes | undefined;
  #startedWaiters: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.container = options.container;
    this.role = options.role;
    this.record = options.record ?? freshRecord;
    this.#pod = podName(options.sandbox.pod());
    const { promise, resolve } = Promise.withResolvers<Terminated | undefined>();
    this.completed = promise;
    this.#complete = resolve;
  }

  /** Starts it. Resolves when it runs and its postStart hook is done, or when the first attempt has failed. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      void this.#loop(resolve).catch((error: unknown) => {
        this.#options.host.logger.error(
          { pod: this.#pod, container: this.container.name, error: String(error) },
          "a container's loop failed",
        );
        this.#complete(undefined);
        resolve();
      });
    });
  }

  /** Resolves when a sidecar counts as started (startup probe and postStart passed), or is being stopped. */
  async whenStarted(): Promise<void> {
    if (this.record.started || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => this.#startedWaiters.push(resolve));
  }

  /** What a command needs to run inside; undefined when it does not run. */
  execTarget(): ExecTarget | undefined {
    return this.#running?.target;
  }

  /** Ends the container for good: preStop, TERM, and KILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#wakeStarted();
    const running = this.#running;
    if (running === undefined) return;
    this.#event("Normal", "Killing", `Stopping container ${this.container.name}`);
    await this.#end(running, graceMs);
  }

  /** Ends every process of the container at once, also when it is being stopped in peace. */
  kill(): void {
    this.#stopping.abort();
    this.#running?.process.kill();
  }

  async #loop(onFirst: () => void): Promise<void> {
    for (;;) {
      const ended = this.#stopping.signal.aborted ? undefined : await this.#attempt(onFirst);
      onFirst();
      const final = this.#stopping.signal.aborted || (ended !== undefined && !restarts(this.#policy(), ended.exitCode));
      if (final) return this.#complete(ended);
      const { waitMs, next } = nextRestart(this.#backOff, this.#now());
      this.#backOff = next;
      if (waitMs > 0 || ended === undefined) await this.#wait(ended, Math.max(waitMs, ended === undefined ? 1000 : 0));
      if (ended !== undefined && !this.#stopping.signal.aborted)
        this.#set({ restartCount: this.record.restartCount + 1 });
    }
  }

  #policy(): string {
    if (this.role === "ephemeral") return "Never";
    if (this.role === "init" && isSidecar(this.container)) return "Always";
    const policy = this.#options.sandbox.pod().spec?.restartPolicy ?? "Always";
    return this.role === "init" && policy === "Always" ? "OnFailure" : policy;
  }

  /** One run, from start to end. Undefined when it could not be started. */
  async #attempt(onFirst: () => void): Promise<Terminated | undefined> {
    const { host, sandbox } = this.#options;
    let plan: ContainerPlan;
    try {
      plan = await planContainer(host, sandbox, this.container);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#set({ state: { kind: "waiting", reason: error.reason, message: error.message } });
      this.#event(
        "Warning",
        "Failed",
        error.reason === "ErrImagePull"
          ? `Failed to pull image "${this.container.image}": ${error.message}`
          : `Error: ${error.message}`,
      );
      return undefined;
    }
    if (this.#stopping.signal.aborted) return undefined;
    const running = await this.#launch(plan);
    const exit = this.#watch(running);
    if (this.#running === running) await this.#afterStart(running);
    onFirst();
    return exit;
  }

  async #launch(plan: ContainerPlan): Promise<RunningContainer> {
    const { host, sandbox } = this.#options;
    const log = host.logs.open(this.#pod, this.container.name, this.record.restartCount);
    const process = startContainer(host, {
      command: plan.command,
      netns: sandbox.netns,
      onOutput: (stream, chunk) => log.write(stream, chunk),
    });
    const startedAt = this.#now();
    const running: RunningContainer = { process, log, startedAt, target: undefined };
    // Before anything is awaited: whoever stops the container from now on must find it.
    this.#running = running;
    const init = await process.init.catch(() => undefined);
    const { identity, fullIdMap, env, workdir } = plan.command;
    if (init !== undefined) running.target = { init, identity, fullIdMap, env, workdir };
    this.#set({
      state: { kind: "running", startedAt },
      containerId: `slipway://${crypto.randomUUID().replaceAll("-", "")}`,
      imageId: `slipway://${plan.image.name}@${plan.image.references[0] ?? ""}`,
    });
    this.#event("Normal", "Pulled", `Container image "${this.container.image}" already present on machine`);
    this.#event("Normal", "Created", `Created container: ${this.container.name}`);
    this.#event("Normal", "Started", `Started container ${this.container.name}`);
    if (identity.unmappedUid !== undefined) {
      this.#event(
        "Warning",
        "UserNotMapped",
        `Runs as the only mapped user instead of user ${identity.unmappedUid}: this machine gives Slipway a single id (see /etc/subuid and the package uidmap)`,
      );
    }
    return running;
  }

  async #afterStart(running: RunningContainer): Promise<void> {
    const hook = this.container.lifecycle?.postStart;
    if (hook !== undefined) {
      const failure = await runHook(hook, { target: this.#probeTarget(running), timeoutMs: 600_000 });
      if (failure !== undefined && this.#running === running) {
        this.#event("Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
        void this.#end(running, this.#graceMs());
        return;
      }
    }
    if (this.#running !== running || this.#stopping.signal.aborted) return;
    this.#probes = this.#watchProbes(running);
    this.#probes.start();
  }

  #watchProbes(running: RunningContainer): ContainerProbes {
    return new ContainerProbes({
      container: this.container,
      clock: this.#options.host.clock,
      target: this.#probeTarget(running),
      outcomes: {
        onStarted: () => {
          this.#set({ started: true });
          this.#wakeStarted();
        },
        onReady: (ready) => this.#set({ ready }),
        onUnhealthy: (message) => this.#event("Warning", "Unhealthy", message),
        onFailed: (kind, { terminationGracePeriodSeconds: seconds }) => {
          this.#event("Normal", "Killing", `Container ${this.container.name} failed ${kind} probe, will be restarted`);
          void this.#end(running, seconds === undefined ? this.#graceMs() : seconds * 1000);
        },
      },
    });
  }

  #probeTarget(running: RunningContainer): ProbeTarget {
    return {
      address: this.#options.sandbox.address,
      container: this.container,
      exec: async (command, timeoutMs) =>
        running.target === undefined
          ? { exitCode: 126, output: "the container is not running" }
          : execToEnd(running.target, command, timeoutMs),
    };
  }

  async #watch(running: RunningContainer): Promise<Terminated> {
    const exit = await running.process.exited;
    this.#running = undefined;
    this.#probes?.stop();
    await this.#options.host.logs.close(running.log);
    const state = terminatedState(this.container, {
      exit,
      startedAt: running.startedAt,
      finishedAt: this.#now(),
      containerId: this.record.containerId,
      written: await readTerminationMessage(this.#options.sandbox.runDir, this.container.name),
      tail: running.log.tail(),
    });
    this.#set({ state, ready: false, started: false });
    return state;
  }

  /** preStop, TERM, KILL, all within the grace period (at least two seconds after a slow hook, as the kubelet allows). */
  async #end(running: RunningContainer, graceMs: number): Promise<void> {
    const deadline = this.#now() + graceMs;
    this.#probes?.stop();
    const hook = this.container.lifecycle?.preStop;
    if (hook !== undefined && graceMs > 0) {
      const failure = await Promise.race([
        runHook(hook, { target: this.#probeTarget(running), timeoutMs: graceMs }),
        running.process.exited.then(() => undefined),
      ]);
      if (failure !== undefined) this.#event("Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`);
    }
    const left = graceMs === 0 ? 0 : Math.max(2000, deadline - this.#now());
    if (left > 0) await running.process.signal("SIGTERM");
    const cancel = this.#options.host.clock.after(left, () => running.process.kill());
    await running.process.exited;
    cancel();
  }

  /** Back-off between two runs: shown as a waiting state, unless it is only a short one before another try to start. */
  async #wait(ended: Terminated | undefined, waitMs: number): Promise<void> {
    const { state } = this.record;
    const pulling = state.kind === "waiting" && state.reason === "ErrImagePull";
    if (ended !== undefined) {
      const shown = crashBackOff(this.container, this.#pod, waitMs);
      this.#set({ state: shown.state });
      this.#event("Warning", "BackOff", shown.event);
    } else if (pulling && waitMs > 1000) {
      const message = `Back-off pulling image "${this.container.image}"`;
      this.#set({ state: { kind: "waiting", reason: "ImagePullBackOff", message } });
      this.#event("Normal", "BackOff", message);
    }
    await pause(this.#options.host.clock, waitMs, this.#stopping.signal);
  }

  #graceMs(): number {
    return (this.#options.sandbox.pod().spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #now(): number {
    return this.#options.host.clock.now();
  }

  #wakeStarted(): void {
    for (const wake of this.#startedWaiters.splice(0)) wake();
  }

  #set(change: Partial<ContainerRecord>): void {
    const { state } = this.record;
    const left =
      change.state !== undefined && change.state.kind !== "terminated" && state.kind === "terminated"
        ? { last: state }
        : {};
    this.record = { ...this.record, ...left, ...change };
    this.#options.onChange();
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#options.host.events.record(this.#options.sandbox.pod(), {
      type,
      reason,
      message,
      fieldPath: `spec.${lists[this.role]}{${this.container.name}}`,
    });
  }
}
