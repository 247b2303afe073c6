import type { IEvent } from "kubernetes-models/v1/Event";
import type { ClusterEvent } from "#api/rpc/contract.ts";
import type { MeshStatus, Topology, TrafficPoint, TrafficStatus } from "#api/rpc/telemetry.ts";
import type { TrafficInterval } from "#api/traffic.ts";
import type { LabCluster } from "../lab-cluster.ts";
import type { Disposer, Observable } from "../observable.ts";
import type { HostServices } from "../services.ts";
import { trafficPoint } from "../telemetry/traffic-series.ts";
import type { StreamHandlers } from "./handlers.ts";
import { watchPackets } from "./packet-stream.ts";

const NO_TRAFFIC: TrafficStatus = {
  running: false,
  settings: undefined,
  rate: 0,
  successShare: undefined,
  p50Ms: undefined,
  p99Ms: undefined,
  error: undefined,
};
const NO_MESH: MeshStatus = { controlPlaneReady: false, proxies: [] };

/** The streams of the contract. Those about a cluster outlive it: they are empty while there is none. */
export function createStreams(services: HostServices): StreamHandlers {
  const { clusters, terminals } = services;
  const cluster = clusters.running;
  return {
    "cluster.status": ({ name }, sink) => {
      const status = name === undefined ? clusters.status : clusters.get(name).provisioning.status;
      return status.watch((value) => sink.push(value));
    },
    clusters: (_, sink) => clusters.summaries.watch((summaries) => sink.push({ clusters: summaries })),
    "cluster.log": ({ step }, sink) => {
      let shown = 0;
      return clusters.current.value.provisioning.stepLog(step).watch((lines) => {
        if (lines.length > shown) sink.push({ lines: lines.slice(shown) });
        shown = lines.length;
      });
    },
    "mesh.status": (_, sink) =>
      whileRunning(
        cluster,
        (running) => running.collector.mesh.watch((mesh) => sink.push(mesh)),
        () => sink.push(NO_MESH),
      ),
    "labs.view": ({ lab, language }, sink) => {
      const session = services.labs().session(lab);
      return session.state.watch(() => sink.push(session.view(language)));
    },
    "traffic.status": (_, sink) =>
      whileRunning(
        cluster,
        (running) => running.generator.status.watch((status) => sink.push(status)),
        () => sink.push(NO_TRAFFIC),
      ),
    "traffic.series": ({ seconds }, sink) =>
      whileRunning(
        cluster,
        (running) => watchSeries(running, seconds, (points) => sink.push({ points })),
        () => {},
      ),
    "proxies.use": ({ seconds }, sink) =>
      whileRunning(
        cluster,
        ({ collector }) => {
          sink.push({ points: collector.proxyUse(seconds) });
          return collector.tick.watch(() => sink.push({ points: collector.proxyUse(1) }));
        },
        () => {},
      ),
    topology: ({ windowSeconds }, sink) => {
      const empty: Topology = { windowSeconds, nodes: [], edges: [] };
      return whileRunning(
        cluster,
        (running) => running.collector.tick.watch(() => sink.push(running.collector.topology(windowSeconds))),
        () => sink.push(empty),
      );
    },
    requests: ({ filter }, sink) =>
      whileRunning(
        cluster,
        (running) => running.requests.watch(filter, (requests, dropped) => sink.push({ requests, dropped })),
        () => {},
      ),
    "terminal.output": ({ terminal }, sink) =>
      terminals.watch(terminal, (event) => {
        sink.push(event);
        if (event.type === "exit") sink.end();
      }),
    logs: ({ tailLines, ...container }, sink) =>
      services.running().api.logs(container, {
        tailLines,
        onChunk: (chunk) => {
          sink.push(chunk);
          if (chunk.ended) sink.end();
        },
      }),
    packets: ({ limits, ...pod }, sink) => watchPackets(services.running(), { pod, limits }, sink),
    events: (_, sink) =>
      whileRunning(
        cluster,
        (running) =>
          running.api.watch("events", (events) =>
            sink.push({ events: (events as readonly IEvent[]).map(toEvent).toSorted(byTime).slice(-500) }),
          ),
        () => sink.push({ events: [] }),
      ),
  };
}

/** Follows the cluster that runs, and the next one after it. */
function whileRunning(
  cluster: Observable<LabCluster | undefined>,
  follow: (running: LabCluster) => Disposer,
  onNone: () => void,
): Disposer {
  let dispose: Disposer | undefined;
  const unwatch = cluster.watch((running) => {
    dispose?.();
    dispose = undefined;
    if (running === undefined) onNone();
    else dispose = follow(running);
  });
  return () => {
    unwatch();
    dispose?.();
  };
}

function watchSeries(
  running: LabCluster,
  seconds: number,
  onPoints: (points: readonly TrafficPoint[]) => void,
): Disposer {
  let last = Date.now() - seconds * 1000;
  return running.generator.intervals.watch((intervals: readonly TrafficInterval[]) => {
    const fresh = intervals.filter((interval) => interval.time > last);
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    last = newest.time;
    onPoints(
      fresh.map((interval) =>
        trafficPoint(interval, running.collector.edgesBetween(interval.time - interval.seconds * 1000, interval.time)),
      ),
    );
  });
}

function toEvent({
  type,
  reason,
  involvedObject,
  metadata,
  message,
  count,
  lastTimestamp,
  eventTime,
}: IEvent): ClusterEvent {
  return {
    time: lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "",
    type: type === "Warning" ? "Warning" : "Normal",
    reason: reason ?? "",
    object: `${involvedObject.kind ?? ""}/${involvedObject.name ?? ""}`,
    namespace: involvedObject.namespace ?? "",
    message: message ?? "",
    count: count ?? 1,
  };
}

const byTime = (a: ClusterEvent, b: ClusterEvent): number => a.time.localeCompare(b.time);
