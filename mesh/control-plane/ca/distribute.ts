import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { isNotFound, KubeError } from "#kube/status-error.ts";
import type { Authority } from "./authority.ts";
import type { LiveAuthority } from "./live.ts";
import type { CaLog } from "./service.ts";

/** A file that every namespace gets as a ConfigMap of this name. */
interface Copies {
  readonly configMap: string;
  readonly key: string;
  readonly content: (authority: Authority) => string;
}

/** Source: Istio (pods mount them at /var/run/secrets/istio and /var/run/secrets/istio/crl). */
const distributed: readonly Copies[] = [
  { configMap: "istio-ca-root-cert", key: "root-cert.pem", content: ({ trusted }) => trusted },
  { configMap: "istio-ca-crl", key: "ca-crl.pem", content: ({ revoked }) => revoked },
];
const FIELD_MANAGER = "istiod";
const RETRY_MS = 500;

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string };
}

export interface DistributeOptions {
  readonly client: KubeClient;
  readonly authority: LiveAuthority;
  readonly log: CaLog;
}

/**
 * Keeps the root certificates and the list of revoked ones in a ConfigMap each of every namespace, from where the kubelet mounts
 * them into pods: new namespaces get them, changed and deleted copies are put right. Several control planes may do so at once, since
 * all write the same.
 */
export function distributeFiles(options: DistributeOptions): () => void {
  const stops = distributed.map((copies) => distribute(options, copies));
  return () => {
    for (const stop of stops) stop();
  };
}

function distribute({ client, authority, log }: DistributeOptions, { configMap, key, content }: Copies): () => void {
  const onError = (error: unknown): void =>
    log.warn({ error: textOf(error) }, `cannot watch what is needed for ConfigMap ${configMap}`);
  const all = new ObjectCache<Namespace>(client, resources.namespaces, { onError });
  const copies = new ObjectCache<ConfigMap>(client, resources.configMaps, {
    fieldSelector: `metadata.name=${configMap}`,
    onError,
  });
  const object = (namespace: string, text: string): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configMap, namespace, labels: { "istio.io/config": "true" } },
    data: { [key]: text },
  });
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  const ensure = async (namespace: string): Promise<void> => {
    const live = all.get(undefined, namespace);
    if (stopped || live === undefined || live.status?.phase === "Terminating") return;
    const text = content(authority.current);
    if (copies.get(namespace, configMap)?.data?.[key] === text) return;
    try {
      await client.apply<ConfigMap>(resources.configMaps, object(namespace, text), {
        fieldManager: FIELD_MANAGER,
        force: true,
      });
    } catch (error) {
      // The namespace is going or gone; nobody in it needs the certificate any more.
      if (isNotFound(error) || (error instanceof KubeError && error.code === 403 && /terminat/i.test(error.message)))
        return;
      log.warn({ namespace, error: textOf(error) }, `cannot write ConfigMap ${configMap}, trying again`);
      const timer = setTimeout(() => {
        timers.delete(timer);
        void ensure(namespace);
      }, RETRY_MS);
      timers.add(timer);
    }
  };

  all.onChange(({ after }) => {
    // Not before it is known which copies there are: a restart would write each of them again.
    if (after?.metadata.name !== undefined) void copies.ready.then(() => ensure(after.metadata.name ?? ""));
  });
  copies.onChange(({ before, after }) => {
    const namespace = (after ?? before)?.metadata.namespace;
    if (namespace !== undefined) void ensure(namespace);
  });
  const unfollow = authority.onChange(() => {
    for (const { metadata } of all.all) void ensure(metadata.name ?? "");
  });
  return () => {
    stopped = true;
    unfollow();
    for (const timer of timers) clearTimeout(timer);
    all.dispose();
    copies.dispose();
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
