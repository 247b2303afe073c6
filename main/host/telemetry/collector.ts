import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IPod } from "kubernetes-models/v1/Pod";
import { namespaces, ports } from "#api/names.ts";
import type { MeshStatus, ProxyUsePoint, Topology } from "#api/rpc/telemetry.ts";
import type { PodSummary } from "#api/rpc/terminal.ts";
import type { ClusterApi, ContainerName } from "../cluster-api.ts";
import { type Disposer, type Observable, Subject } from "../observable.ts";
import type { EdgeStats } from "./edges.ts";
import { mergeMeshStatus, parseSyncz } from "./mesh-status.ts";
import { MetricsHistory } from "./metrics-history.ts";
import { poll } from "./poll.ts";
import { parseSample } from "./prometheus.ts";
import { ProxyUseHistory } from "./proxy-use.ts";
import { followRequests } from "./request-stream.ts";
import type { RequestLog } from "./requests.ts";
import { topologyOf } from "./topology.ts";
import { hasProxy, isReady, summaryOf, workloadOf, workloadsOf } from "./workloads.ts";

const SCRAPE_MS = 1000;
/** What edges are made of, and what the process takes; a proxy has three times as much. Proxies that know no filter answer with everything. */
const METRICS = `/stats/prometheus?filter=${encodeURIComponent("^(istio_(requests_total|request_duration_milliseconds|tcp_connections_opened_total)|process_)")}`;
const EMPTY_MESH: MeshStatus = { controlPlaneReady: false, proxies: [] };

/**
 * Watches one cluster: pods and deployments by the API, traffic by the proxies' metrics once a second, requests by their event
 * streams, acknowledgements by the control plane's debug port. All through the API server, so it is the same everywhere.
 */
export class Collector {
  readonly pods: Observable<readonly IPod[]>;
  readonly mesh: Observable<MeshStatus>;
  /** Counts scrapes: whoever shows traffic looks again when it changes. */
  readonly tick: Observable<number>;
  readonly #api: ClusterApi;
  readonly #pods = new Subject<readonly IPod[]>([]);
  readonly #deployments = new Subject<readonly IDeployment[]>([]);
  readonly #mesh = new Subject<MeshStatus>(EMPTY_MESH);
  readonly #tick = new Subject<number>(0);
  readonly #history = new MetricsHistory();
  readonly #use = new ProxyUseHistory();
  readonly #followed = new Map<string, Disposer>();
  readonly #requests: RequestLog;
  readonly #disposers: readonly Disposer[];

  constructor(api: ClusterApi, requests: RequestLog) {
    this.#api = api;
    this.#requests = requests;
    this.pods = this.#pods;
    this.mesh = this.#mesh;
    this.tick = this.#tick;
    const ignore = (): void => {}; // what cannot be read now is read a second later; the views show that it is missing
    this.#disposers = [
      api.watch("pods", (objects) => this.#setPods(objects as readonly IPod[])),
      api.watch("deployments", (objects) => this.#deployments.set(objects as readonly IDeployment[])),
      poll((signal) => this.#scrape(signal), { everyMs: SCRAPE_MS, onError: ignore }),
      poll(async (signal) => void (await this.readAcknowledgements(signal)), {
        everyMs: SCRAPE_MS,
        onError: () => this.#mesh.set(EMPTY_MESH),
      }),
    ];
  }

  dispose(): void {
    for (const dispose of [...this.#disposers, ...this.#followed.values()]) dispose();
    this.#followed.clear();
  }

  summaries(namespace?: string): readonly PodSummary[] {
    return this.#pods.value.map(summaryOf).filter((pod) => namespace === undefined || pod.namespace === namespace);
  }

  /** Between two moments, in milliseconds since the epoch. */
  edgesBetween(from: number, to: number): readonly EdgeStats[] {
    return this.#history.edges(from, to);
  }

  edges(windowSeconds: number, now: number = Date.now()): readonly EdgeStats[] {
    return this.#history.edges(now - windowSeconds * 1000, now);
  }

  /** What proxies took in each of the last seconds, oldest first. */
  proxyUse(seconds: number): readonly ProxyUsePoint[] {
    return this.#use.points(seconds);
  }

  topology(windowSeconds: number): Topology {
    const shown = this.#deployments.value.filter(
      ({ metadata }) => !hiddenNamespaces.has(metadata?.namespace ?? "") || isGateway(metadata?.name),
    );
    return topologyOf(workloadsOf(shown), this.edges(windowSeconds), windowSeconds);
  }

  workload(namespace: string, name: string): { readonly ready: number; readonly wanted: number } | undefined {
    const deployment = this.#deployments.value.find(
      ({ metadata }) => metadata?.namespace === namespace && metadata.name === name,
    );
    if (deployment === undefined) return undefined;
    return { ready: deployment.status?.readyReplicas ?? 0, wanted: deployment.spec?.replicas ?? 1 };
  }

  /** Which pod has an address: "namespace/name"; undefined if none has it for itself. */
  podAt(address: string): string | undefined {
    const pod = this.#pods.value.find(({ spec, status }) => status?.podIP === address && spec?.hostNetwork !== true);
    return pod === undefined ? undefined : `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  }

  /** The ready pods of a workload. */
  podsOf(namespace: string, workload: string): readonly { readonly name: string; readonly address: string }[] {
    return this.#pods.value
      .filter((pod) => pod.metadata?.namespace === namespace && workloadOf(pod) === workload && isReady(pod))
      .map((pod) => ({ name: pod.metadata?.name ?? "", address: pod.status?.podIP ?? "" }));
  }

  /** The application's container in a ready pod of a workload. */
  applicationOf(namespace: string, workload: string): ContainerName | undefined {
    const pod = this.#pods.value.find(
      (candidate) =>
        candidate.metadata?.namespace === namespace && workloadOf(candidate) === workload && isReady(candidate),
    );
    const container = pod?.spec?.containers.find(({ name }) => name !== "istio-proxy");
    if (pod === undefined || container === undefined) return undefined;
    return { namespace, pod: pod.metadata?.name ?? "", container: container.name };
  }

  /** Texts of the control plane's debug port, one from each of its ready copies: a proxy is connected to one of them. */
  async controlPlanes(path: string, signal: AbortSignal): Promise<readonly string[]> {
    const pods = this.#pods.value.filter(
      (candidate) => candidate.metadata?.labels?.app === "istiod" && isReady(candidate),
    );
    if (pods.length === 0) throw new Error("no control plane is ready");
    return Promise.all(
      pods.map(async ({ metadata }) => {
        const target = { namespace: namespaces.system, pod: metadata?.name ?? "", port: ports.istiodDebug };
        const response = await this.#api.podLocalRequest(target, { path, signal });
        if (response.status !== 200) throw new Error(`the control plane answered ${response.status} to ${path}`);
        return response.text();
      }),
    );
  }

  /** What the control plane knows this very moment. */
  async readAcknowledgements(signal: AbortSignal = AbortSignal.timeout(5000)): Promise<MeshStatus> {
    const mesh = mergeMeshStatus((await this.controlPlanes("/debug/syncz", signal)).map(parseSyncz));
    this.#mesh.set(mesh);
    return mesh;
  }

  async #scrape(signal: AbortSignal): Promise<void> {
    const proxies = this.#pods.value.filter((pod) => hasProxy(pod) && pod.status?.phase === "Running");
    await Promise.all(proxies.map((pod) => this.#scrapePod(pod, signal)));
    this.#history.expire(Date.now());
    this.#use.tick(Date.now());
    this.#tick.update((count) => count + 1);
  }

  async #scrapePod(pod: IPod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name = "" } = pod.metadata ?? {};
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(2000)]);
      const target = { namespace, pod: name, port: ports.agentStatus };
      const response = await this.#api.podRequest(target, { method: "GET", path: METRICS, signal: limit });
      if (response.status !== 200) return;
      const text = await response.text();
      this.#history.add(`${namespace}/${name}`, parseSample(text, Date.now(), "istio_"));
      this.#use.add(pod, text, Date.now());
    } catch {
      // a pod that is just starting or ending; the next second tells
    }
  }

  #setPods(pods: readonly IPod[]): void {
    this.#pods.set(pods);
    const proxies = new Map(
      pods.filter((pod) => hasProxy(pod) && isReady(pod)).map((pod) => [pod.metadata?.uid ?? "", pod]),
    );
    for (const [uid, dispose] of this.#followed) {
      if (proxies.has(uid)) continue;
      dispose();
      this.#followed.delete(uid);
    }
    for (const [uid, pod] of proxies) {
      if (!this.#followed.has(uid)) this.#followed.set(uid, followRequests(this.#api, pod, this.#requests));
    }
  }
}

/** What belongs to Slipway itself is not part of the picture. */
const hiddenNamespaces: ReadonlySet<string> = new Set([namespaces.system, namespaces.traffic, "kube-system"]);
const isGateway = (name: string | undefined): boolean => name?.endsWith("gateway") ?? false;
