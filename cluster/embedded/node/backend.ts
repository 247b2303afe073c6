import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../machinery/clock.ts";
import type { ExecOptions, ExecSession, LogOptions, NodeBackend, PodRef } from "../machinery/node-backend.ts";
import { StatusError } from "../machinery/resources.ts";
import type { Namespaces } from "../network/netns.ts";
import { execSession } from "./exec.ts";
import { type Container, containersOf, type Pod, podName } from "./kinds.ts";
import { readLog } from "./log-query.ts";
import type { LogStore } from "./log-store.ts";
import type { PodWorker } from "./pod-worker.ts";

export interface BackendOptions {
  readonly find: (pod: PodRef) => PodWorker | undefined;
  readonly logs: LogStore;
  readonly namespaces: Namespaces;
  readonly clock: Clock;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** The kubelet's API for the pods of this process, whatever simulated node they are on. */
export function createBackend(options: BackendOptions): NodeBackend {
  const workerOf = (pod: PodRef): PodWorker => {
    const worker = options.find(pod);
    if (worker === undefined)
      throw new StatusError(404, "NotFound", `pod "${pod.namespace}/${pod.name}" does not run on this node`);
    return worker;
  };
  return {
    logs: async (ref, query) => readContainerLog(options, workerOf(ref), query),
    exec: async (ref, request) => startExec(workerOf(ref), request),
    portForward: async (ref, port) => forward(options.namespaces, workerOf(ref), port),
    dial: (host, port) => connected(connect({ host, port, allowHalfOpen: true })),
  };
}

/** What a kubelet says instead of some reasons. */
const waitingTexts: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

function readContainerLog(options: BackendOptions, worker: PodWorker, query: LogOptions): ReturnType<typeof readLog> {
  const container = chooseContainer(worker.pod, query.container);
  const record = worker.record(container.name);
  const what = `container "${container.name}" in pod "${worker.pod.metadata.name}"`;
  if (record === undefined || (record.state.kind === "waiting" && record.last === undefined)) {
    const reason = record?.state.kind === "waiting" ? record.state.reason : "PodInitializing";
    throw new StatusError(400, "BadRequest", `${what} is waiting to start: ${waitingTexts[reason] ?? reason}`);
  }
  const restart = query.previous === true ? record.restartCount - 1 : record.restartCount;
  if (query.previous === true && record.last === undefined)
    throw new StatusError(400, "BadRequest", `previous terminated ${what} not found`);
  return readLog(
    options.logs.find(podName(worker.pod), container.name, Math.max(0, restart)),
    query,
    options.clock.now(),
  );
}

function startExec(worker: PodWorker, request: ExecOptions): ExecSession {
  const container = chooseContainer(worker.pod, request.container);
  const target = worker.worker(container.name)?.execTarget();
  if (target === undefined)
    throw new StatusError(500, "InternalError", `container not found (${JSON.stringify(container.name)})`);
  if (request.command.length === 0)
    throw new StatusError(400, "BadRequest", "you must specify at least one command for the container");
  return execSession(target, request);
}

/** From the pod's own loopback, as port-forward does; programs that listen on the pod's address alone are reached there. */
async function forward(namespaces: Namespaces, worker: PodWorker, port: number): Promise<Duplex> {
  const { netns, address } = worker;
  if (netns === undefined || address === undefined)
    throw new StatusError(400, "BadRequest", `pod "${worker.pod.metadata.name}" is not running`);
  try {
    return await connected(namespaces.socketIn(netns).connect(port, "127.0.0.1"));
  } catch {
    return connected(namespaces.socketIn(netns).connect(port, address));
  }
}

function connected(socket: Socket): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail(new Error("connection timed out")));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The named container, else the annotated default, else the only or first one. */
function chooseContainer(pod: Pod, name: string | undefined): Container {
  const all = containersOf(pod);
  const wanted = name === undefined || name === "" ? pod.metadata.annotations?.[DEFAULT_CONTAINER] : name;
  const found = wanted === undefined ? all[0] : all.find((container) => container.name === wanted);
  if (found === undefined)
    throw new StatusError(400, "BadRequest", `container ${wanted} is not valid for pod ${pod.metadata.name}`);
  return found;
}
