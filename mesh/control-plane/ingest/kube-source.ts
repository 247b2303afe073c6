import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { type ResourceType, resources } from "#kube/resource.ts";
import { kubernetesGatewayKind } from "./parse-gateway.ts";
import type { ObjectSink, ObjectSource } from "./source.ts";

const core: readonly (readonly [string, ResourceType])[] = [
  ["Service", resources.services],
  ["EndpointSlice", resources.endpointSlices],
  ["Pod", resources.pods],
  ["Node", resources.nodes],
  ["Namespace", resources.namespaces],
  ["Secret", resources.secrets],
];
const configuration: readonly (readonly [string, ResourceType])[] = [
  ["VirtualService", resources.virtualServices],
  ["DestinationRule", resources.destinationRules],
  ["Gateway", resources.gateways],
  [kubernetesGatewayKind, resources.kubernetesGateways],
  ["ServiceEntry", resources.serviceEntries],
  ["WorkloadEntry", resources.workloadEntries],
  ["Sidecar", resources.sidecars],
  ["PeerAuthentication", resources.peerAuthentications],
  ["AuthorizationPolicy", resources.authorizationPolicies],
  ["RequestAuthentication", resources.requestAuthentications],
];

/** How long to wait for kinds whose definitions may not be installed yet. */
const PATIENCE_MS = 5000;

export interface KubeSourceOptions {
  readonly client: KubeClient;
  /** Where the mesh's own configuration (ConfigMap istio) is. */
  readonly rootNamespace: string;
  readonly log: Logger;
}

/** Lists and watches everything that proxies' configuration is made from. */
export function kubeSource({ client, rootNamespace, log }: KubeSourceOptions): ObjectSource {
  const caches: ObjectCache<KubeObject>[] = [];
  const watch = (sink: ObjectSink, kind: string, type: ResourceType, namespace?: string): Promise<void> => {
    const cache = new ObjectCache<KubeObject>(client, type, {
      ...(namespace === undefined ? {} : { namespace }),
      onError: (error) => log.warn({ kind, err: error }, "watch failed, trying again"),
    });
    caches.push(cache);
    cache.onChange(({ before, after }) => {
      // Objects of a list come without their kind.
      if (after !== undefined) sink.put({ ...after, kind });
      else if (before !== undefined) sink.delete({ ...before, kind });
    });
    return cache.ready;
  };
  return {
    start: async (sink) => {
      const needed = core.map(([kind, type]) => watch(sink, kind, type));
      needed.push(watch(sink, "ConfigMap", resources.configMaps, rootNamespace));
      const optional = configuration.map(([kind, type]) => watch(sink, kind, type));
      await Promise.all(needed);
      const patience = new AbortController();
      await Promise.race([
        Promise.all(optional),
        delay(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {}),
      ]);
      patience.abort();
    },
    stop: () => {
      for (const cache of caches) cache.dispose();
    },
  };
}
