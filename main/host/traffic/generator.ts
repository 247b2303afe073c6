import { setTimeout as delay } from "node:timers/promises";
import type { IPod } from "kubernetes-models/v1/Pod";
import { AppError } from "#api/errors.ts";
import type { TrafficSettings } from "#api/lab.ts";
import { namespaces } from "#api/names.ts";
import type { TrafficStatus } from "#api/rpc/telemetry.ts";
import {
  type BrowseRequest,
  type BrowseTally,
  type GeneratorError,
  isFailedStatus,
  type ProbeLine,
  type ProbeRequest,
  type RunRequest,
  type TrafficInterval,
} from "#api/traffic.ts";
import type { ClusterApi, PodRequest, PodResponse } from "../cluster-api.ts";
import type { ProbeOptions, ProbeResult, ProbeRequest as ProbeShape } from "../labs/measurements.ts";
import { type Disposer, type Observable, Subject, whenValue } from "../observable.ts";
import { isReady } from "../telemetry/workloads.ts";

const PORT = 8080;
/** Seconds that the status averages over. */
const STATUS_SECONDS = 5;
const HISTORY_SECONDS = 130;
const PROBE_CONCURRENCY = 8;

const STOPPED: TrafficStatus = {
  running: false,
  settings: undefined,
  rate: 0,
  successShare: undefined,
  p50Ms: undefined,
  p99Ms: undefined,
  error: undefined,
};

/**
 * Speaks to the traffic generator, a pod, through the API server. What should be sent is kept here: a generator that is
 * restarted is told again.
 */
export class Generator {
  readonly status: Observable<TrafficStatus>;
  readonly intervals: Observable<readonly TrafficInterval[]>;
  readonly #api: ClusterApi;
  readonly #status = new Subject<TrafficStatus>(STOPPED);
  readonly #intervals = new Subject<readonly TrafficInterval[]>([]);
  readonly #pod = new Subject<IPod | undefined>(undefined);
  readonly #stopped = new AbortController();
  readonly #unwatch: Disposer;
  #wanted: TrafficSettings | undefined;
  #told: string | undefined;

  constructor(api: ClusterApi, pods: Observable<readonly IPod[]>) {
    this.#api = api;
    this.status = this.#status;
    this.intervals = this.#intervals;
    this.#unwatch = pods.watch((all) => {
      const pod = all.find(
        (candidate) =>
          candidate.metadata?.namespace === namespaces.traffic &&
          candidate.metadata.labels?.app === "generator" &&
          isReady(candidate),
      );
      if (pod?.metadata?.uid !== this.#pod.value?.metadata?.uid) this.#pod.set(pod);
    });
    void this.#follow();
  }

  dispose(): void {
    this.#unwatch();
    this.#stopped.abort();
  }

  /** Sends this from now on. Waits for the generator's pod. */
  async start(settings: TrafficSettings, signal?: AbortSignal): Promise<void> {
    this.#wanted = settings;
    this.#status.update((status) => ({ ...status, running: true, settings, error: undefined }));
    await this.#tell(signal ?? AbortSignal.timeout(30_000));
  }

  async stop(): Promise<void> {
    this.#wanted = undefined;
    this.#told = undefined;
    this.#status.set(STOPPED);
    if (this.#pod.value !== undefined)
      await this.#request({ method: "DELETE", path: "/run", signal: AbortSignal.timeout(5000) });
  }

  /** Sends a bounded burst through the ingress gateway, beside the traffic that runs. */
  async probe(request: ProbeShape, { count, signal, onProgress }: ProbeOptions): Promise<ProbeResult> {
    const body: ProbeRequest = { request, count, concurrency: PROBE_CONCURRENCY };
    const response = await this.#request({
      method: "POST",
      path: "/probe",
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(120_000)]),
    });
    for await (const text of response.lines()) {
      const line = JSON.parse(text) as ProbeLine;
      if (line.type === "progress") onProgress(line.done);
      else {
        const { tally } = line;
        const answers = Object.values(tally.byStatus).reduce((sum, number) => sum + number, 0);
        return {
          answers,
          errors: tally.errors,
          byStatus: tally.byStatus,
          byVersion: tally.byVersion,
          p99Ms: tally.latency?.p99,
        };
      }
    }
    throw new AppError("CONNECTION_LOST", "the traffic generator ended before it had counted the answers");
  }

  /** Visits a page through the ingress gateway as a browser would. */
  async browse(request: BrowseRequest, signal: AbortSignal): Promise<BrowseTally> {
    const response = await this.#request({
      method: "POST",
      path: "/browse",
      body: request,
      signal: AbortSignal.any([signal, AbortSignal.timeout(120_000)]),
    });
    return JSON.parse(await response.text()) as BrowseTally;
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const pod = await whenValue(this.#pod, (value) => value !== undefined, signal);
    if (this.#wanted === undefined) return;
    const run: RunRequest = { rate: this.#wanted.rate, requests: this.#wanted.requests };
    await this.#request({ method: "PUT", path: "/run", body: run, signal });
    this.#told = pod?.metadata?.uid;
  }

  /** Reads the stream of each generator pod in turn, for as long as this lives. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const pod = await whenValue(this.#pod, (value) => value !== undefined, signal);
        if (this.#wanted !== undefined && this.#told !== pod?.metadata?.uid)
          await this.#tell(AbortSignal.any([signal, AbortSignal.timeout(5000)]));
        const response = await this.#request({ method: "GET", path: "/stream", signal });
        for await (const line of response.lines()) this.#add(JSON.parse(line) as TrafficInterval);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#wanted !== undefined) this.#status.update((status) => ({ ...status, error: messageOf(error) }));
      }
      // Its container may have been started anew in the same pod: then it knows of nothing.
      this.#told = undefined;
      await delay(500, undefined, { signal }).catch(() => {});
    }
  }

  #add(interval: TrafficInterval): void {
    this.#intervals.update((intervals) => [...intervals, interval].slice(-HISTORY_SECONDS));
    if (this.#wanted === undefined) return;
    const recent = this.#intervals.value.slice(-STATUS_SECONDS);
    const seconds = sum(recent, (one) => one.seconds);
    const answers = sum(recent, (one) => one.completed);
    const failed = sum(recent, (one) => failures(one));
    const last = recent.findLast((one) => one.latency !== undefined)?.latency;
    this.#status.set({
      running: true,
      settings: this.#wanted,
      rate: seconds === 0 ? 0 : sum(recent, (one) => one.sent) / seconds,
      successShare: answers + failed === 0 ? undefined : 1 - failed / Math.max(answers, failed),
      p50Ms: last?.p50,
      p99Ms: Math.max(0, ...recent.map((one) => one.latency?.p99 ?? 0)) || undefined,
      error: undefined,
    });
  }

  async #request(request: PodRequest): Promise<PodResponse> {
    const pod = await whenValue(this.#pod, (value) => value !== undefined, request.signal);
    const { namespace = "", name = "" } = pod?.metadata ?? {};
    const response = await this.#api.podRequest({ namespace, pod: name, port: PORT }, request);
    if (response.status < 400) return response;
    throw new AppError(
      "BAD_REQUEST",
      `the traffic generator refused ${request.method} ${request.path}: ${refusal(await response.text())}`,
    );
  }
}

function refusal(text: string): string {
  try {
    const { error, field } = JSON.parse(text) as GeneratorError;
    return field === undefined ? error : `${field}: ${error}`;
  } catch {
    return text.slice(0, 200);
  }
}

const sum = (intervals: readonly TrafficInterval[], of: (interval: TrafficInterval) => number): number =>
  intervals.reduce((total, interval) => total + of(interval), 0);

/** Answers of 400 and above, and requests without an answer. */
function failures(interval: TrafficInterval): number {
  const statuses = Object.entries(interval.byStatus).filter(([status]) => isFailedStatus(Number(status)));
  return [...statuses, ...Object.entries(interval.errors)].reduce((total, [, count]) => total + count, 0);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
