import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { resources } from "#kube/resource.ts";
import { isNotFound, KubeError } from "#kube/status-error.ts";
import type { LiveAuthority } from "./live.ts";
import type { CaLog } from "./service.ts";

const CONFIG_MAP = "istio-ca-root-cert";
const KEY = "root-cert.pem";
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
 * Keeps the root certificate in ConfigMap istio-ca-root-cert of every namespace, from where the kubelet mounts it into pods: new
 * namespaces get it, changed and deleted copies are put right. Several control planes may do so at once, since all write the same.
 */
export function distributeRoot({ client, authority, log }: DistributeOptions): () => void {
  const onError = (error: unknown): void =>
    log.warn({ error: textOf(error) }, "cannot watch namespaces for the root certificate");
  const all = new ObjectCache<Namespace>(client, resources.namespaces, { onError });
  const copies = new ObjectCache<ConfigMap>(client, resources.configMaps, {
    fieldSelector: `metadata.name=${CONFIG_MAP}`,
    onError,
  });
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  const ensure = async (namespace: string): Promise<void> => {
    const live = all.get(undefined, namespace);
    if (stopped || live === undefined || live.status?.phase === "Terminating") return;
    const root = authority.current.trusted;
    if (copies.get(namespace, CONFIG_MAP)?.data?.[KEY] === root) return;
    try {
      await client.apply<ConfigMap>(resources.configMaps, configMap(namespace, root), {
        fieldManager: FIELD_MANAGER,
        force: true,
      });
    } catch (error) {
      // The namespace is going or gone; nobody in it needs the certificate any more.
      if (isNotFound(error) || (error instanceof KubeError && error.code === 403 && /terminat/i.test(error.message)))
        return;
      log.warn({ namespace, error: textOf(error) }, `cannot write ConfigMap ${CONFIG_MAP}, trying again`);
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

const configMap = (namespace: string, root: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: CONFIG_MAP, namespace, labels: { "istio.io/config": "true" } },
  data: { [KEY]: root },
});

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
