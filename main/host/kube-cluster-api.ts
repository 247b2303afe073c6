import type { IncomingMessage } from "node:http";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { KubeObject } from "#api/kinds/object.ts";
import { images } from "#api/names.ts";
import { applyManifest, deleteManifest, findLive } from "#kube/apply.ts";
import { ObjectCache } from "#kube/cache.ts";
import { KubeClient } from "#kube/client.ts";
import type { Connection } from "#kube/connection.ts";
import { ensureDebugContainer } from "#kube/debug-container.ts";
import { Discovery } from "#kube/discovery.ts";
import { followInContainer, podExec, runInContainer } from "#kube/exec.ts";
import { readLines, readText } from "#kube/http.ts";
import { podLogs } from "#kube/logs.ts";
import { parseManifest } from "#kube/manifest.ts";
import { podLocalRequest } from "#kube/pod-port.ts";
import { podProxy } from "#kube/pod-proxy.ts";
import { portForward } from "#kube/port-forward.ts";
import { type ResourceType, resources } from "#kube/resource.ts";
import type { ClusterApi, PodResponse, WatchedKind } from "./cluster-api.ts";
import { withImage } from "./image-names.ts";

const FIELD_MANAGER = "slipway";
const watched: Readonly<Record<WatchedKind, ResourceType>> = {
  pods: resources.pods,
  deployments: resources.deployments,
  events: resources.events,
  nodes: resources.nodes,
};
/** Bursts of events are told together: watchers look at all objects anyway. */
const COALESCE_MS = 20;

const responseOf = (response: IncomingMessage): PodResponse => ({
  status: response.statusCode ?? 0,
  text: () => readText(response),
  lines: () => readLines(response),
});

/**
 * The host's view of a cluster, by the Kubernetes API alone.
 *
 * @param appsImage takes the place of the applications' image in manifests, where the cluster has it under another name
 */
export function createClusterApi(connection: Connection, appsImage: string = images.apps): ClusterApi {
  const parse = (yaml: string) => parseManifest(withImage(yaml, appsImage));
  const client = new KubeClient(connection);
  const context = { client, discovery: new Discovery(client), fieldManager: FIELD_MANAGER };
  return {
    get: (name) => findLive(name, context),
    watch: (kind, onChange) => watchAll(client, watched[kind], onChange),
    check: async (yaml) => {
      const { objects, problems } = parse(yaml);
      if (problems.length > 0) return { problems, changes: [] };
      const outcome = await applyManifest(objects, { ...context, dryRun: true });
      const actions = { created: "create", changed: "change", unchanged: "none" } as const;
      return {
        problems: outcome.problems,
        changes:
          outcome.problems.length > 0
            ? []
            : outcome.applied.map(({ object, action }) => ({ object, action: actions[action] })),
      };
    },
    apply: async (yaml) => {
      const { objects, problems } = parse(yaml);
      return problems.length > 0 ? { applied: [], problems } : applyManifest(objects, context);
    },
    remove: (yaml) => deleteManifest(parse(yaml).objects, context),
    podRequest: async (pod, { method, path, body, signal }) => {
      const json =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      const response = await podProxy(client, pod, { method, path, signal, ...json });
      return responseOf(response);
    },
    podLocalRequest: async (pod, { path, signal }) =>
      responseOf(await podLocalRequest(client, pod, { method: "GET", path, signal })),
    exec: async (container, { columns, rows }) => {
      // The first shell that the image has; the terminal's size and kind before it starts.
      const command = [
        "/bin/sh",
        "-c",
        "TERM=xterm-256color; export TERM; [ -x /bin/bash ] && exec /bin/bash || exec /bin/sh",
      ];
      const process = await podExec(client, { ...container, command, stdin: true, tty: true });
      process.resize(columns, rows);
      return {
        onData: (listener) => process.onOutput((_, data) => listener(data.toString("utf8"))),
        onExit: (listener) => void process.ended.then(listener),
        write: (data) => process.write(data),
        resize: (width, height) => process.resize(width, height),
        kill: () => process.kill(),
      };
    },
    run: (container, command, signal) => runInContainer(client, { ...container, command, signal }),
    follow: (container, command, options) => followInContainer(client, { ...container, command }, options),
    debugContainer: (pod) => ensureDebugContainer(client, pod, images.mesh),
    logs: (container, { tailLines, onChunk }) => {
      const controller = new AbortController();
      void (async () => {
        for await (const line of podLogs(client, { ...container, tailLines, follow: true, signal: controller.signal }))
          onChunk({ lines: [line], ended: false });
        onChunk({ lines: [], ended: true });
      })().catch((error: unknown) => {
        if (!controller.signal.aborted)
          onChunk({ lines: [error instanceof Error ? error.message : String(error)], ended: true });
      });
      return () => controller.abort();
    },
    forwardService: async ({ localPort = 0, ...service }) => {
      const pods = new ServicePods(client, service);
      const choose = () => pods.choose();
      const forward = await portForward(client, choose, localPort).catch(() => portForward(client, choose));
      return {
        url: `http://127.0.0.1:${forward.port}/`,
        close: async () => {
          pods.dispose();
          await forward.close();
        },
      };
    },
    close: async () => client.close(),
  };
}

function watchAll(
  client: KubeClient,
  type: ResourceType,
  onChange: (objects: readonly KubeObject[]) => void,
): () => void {
  const cache = new ObjectCache<KubeObject>(client, type);
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    onChange(cache.all);
  };
  cache.onChange(() => {
    timer ??= setTimeout(tell, COALESCE_MS);
  });
  return () => {
    clearTimeout(timer);
    cache.dispose();
  };
}

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

/** The ready pods behind a port of a service, for forwarding. */
class ServicePods {
  readonly #slices: ObjectCache<EndpointSlice>;
  readonly #service: ObjectCache<
    KubeObject &
      Pick<IDeployment, "metadata"> & {
        readonly spec?: { readonly ports?: readonly { readonly name?: string; readonly port: number }[] };
      }
  >;
  readonly #at: { readonly namespace: string; readonly name: string; readonly port: number };

  constructor(client: KubeClient, at: { readonly namespace: string; readonly name: string; readonly port: number }) {
    this.#at = at;
    const { namespace, name } = at;
    this.#slices = new ObjectCache(client, resources.endpointSlices, {
      namespace,
      labelSelector: `kubernetes.io/service-name=${name}`,
    });
    this.#service = new ObjectCache(client, resources.services, { namespace, fieldSelector: `metadata.name=${name}` });
  }

  choose(): { readonly namespace: string; readonly pod: string; readonly port: number } | undefined {
    const { namespace, name, port } = this.#at;
    const portName =
      this.#service.get(namespace, name)?.spec?.ports?.find((candidate) => candidate.port === port)?.name ?? "";
    for (const slice of this.#slices.all) {
      const target = slice.ports?.find((candidate) => (candidate.name ?? "") === portName)?.port;
      const ready = slice.endpoints?.find(
        ({ conditions, targetRef }) => conditions?.ready !== false && targetRef?.kind === "Pod",
      );
      if (target !== undefined && ready?.targetRef?.name !== undefined)
        return { namespace, pod: ready.targetRef.name, port: target };
    }
    return undefined;
  }

  dispose(): void {
    this.#slices.dispose();
    this.#service.dispose();
  }
}
