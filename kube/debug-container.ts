import type { IEphemeralContainer } from "kubernetes-models/v1/EphemeralContainer";
import type { IPod } from "kubernetes-models/v1/Pod";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "./cache.ts";
import type { KubeClient } from "./client.ts";
import { resources } from "./resource.ts";

type Pod = IPod & KubeObject;

const PREFIX = "slipway-debug";
const START_MS = 15_000;

/**
 * A container beside those of a running pod, root within the pod's own network, from which its rules and packets can be seen. One
 * that runs already is used again: they cannot be removed from a pod. Returns its name. Source: "Ephemeral Containers" in the
 * Kubernetes documentation. Throws NOT_FOUND, and what the API server refuses.
 */
export async function ensureDebugContainer(
  client: KubeClient,
  at: { readonly namespace: string; readonly pod: string },
  image: string,
): Promise<string> {
  const { namespace, pod: name } = at;
  const cache = new ObjectCache<Pod>(client, resources.pods, { namespace, fieldSelector: `metadata.name=${name}` });
  try {
    await cache.ready;
    const pod = cache.get(namespace, name);
    if (pod === undefined) throw new AppError("NOT_FOUND", `there is no pod ${namespace}/${name}`);
    const running = debugContainers(pod).find((container) => isRunning(pod, container));
    if (running !== undefined) return running;
    const container = debugContainer(`${PREFIX}-${debugContainers(pod).length + 1}`, image);
    await client.patch<Pod>(
      resources.pods,
      { namespace, name },
      { spec: { ephemeralContainers: [container] } },
      { type: "strategic", subresource: "ephemeralcontainers" },
    );
    await started(cache, { namespace, pod: name, container: container.name });
    return container.name;
  } finally {
    cache.dispose();
  }
}

const debugContainer = (name: string, image: string): IEphemeralContainer => ({
  name,
  image,
  command: ["sleep", "infinity"],
  securityContext: {
    runAsUser: 0,
    runAsGroup: 0,
    runAsNonRoot: false,
    capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
    allowPrivilegeEscalation: false,
  },
});

const debugContainers = (pod: Pod): readonly string[] =>
  (pod.spec?.ephemeralContainers ?? []).map(({ name }) => name).filter((name) => name.startsWith(PREFIX));

const stateOf = (pod: Pod | undefined, container: string) =>
  pod?.status?.ephemeralContainerStatuses?.find(({ name }) => name === container)?.state;

const isRunning = (pod: Pod | undefined, container: string): boolean => stateOf(pod, container)?.running !== undefined;

function started(
  cache: ObjectCache<Pod>,
  { namespace, pod, container }: { readonly namespace: string; readonly pod: string; readonly container: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const reasonNow = (): string => stateOf(cache.get(namespace, pod), container)?.waiting?.reason ?? "no state yet";
    const timer = setTimeout(
      () =>
        reject(new AppError("TIMEOUT", `the debug container of ${namespace}/${pod} does not start: ${reasonNow()}`)),
      START_MS,
    );
    const look = (): void => {
      if (!isRunning(cache.get(namespace, pod), container)) return;
      clearTimeout(timer);
      resolve();
    };
    cache.onChange(look);
    look();
  });
}
