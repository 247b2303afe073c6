import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "#kube/cache.ts";
import type { KubeClient } from "#kube/client.ts";
import { type ResourceType, resources } from "#kube/resource.ts";
import { isConflict, isNotFound } from "#kube/status-error.ts";
import type { LiveAuthority } from "./live.ts";
import type { CaLog } from "./service.ts";

const INJECTOR = "istio-sidecar-injector";
const VALIDATOR = "istio-validator-istio-system";
const RETRY_MS = 500;

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly failurePolicy?: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

export interface WebhookOptions {
  readonly client: KubeClient;
  /** Signs the webhooks' serving certificate. */
  readonly authority: LiveAuthority;
  readonly log: CaLog;
}

interface Target {
  readonly type: ResourceType;
  readonly name: string;
  /** What becomes of the policy once this control plane answers; undefined leaves it. */
  readonly failurePolicy: "Fail" | undefined;
}

const targets: readonly Target[] = [
  { type: resources.mutatingWebhooks, name: INJECTOR, failurePolicy: undefined },
  // Ignored while nobody could judge; from now on what is not valid must not get in.
  { type: resources.validatingWebhooks, name: VALIDATOR, failurePolicy: "Fail" },
];

/**
 * Keeps the CA's certificate in the webhook configurations, so that the API server can call this control plane, and makes the
 * validator binding. Call it once the webhooks are served. An installation that resets them is put right.
 */
export function maintainWebhooks({ client, authority, log }: WebhookOptions): () => void {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  const followed = targets.map((target) => {
    const onError = (error: unknown): void =>
      log.warn({ error: textOf(error) }, `cannot watch ${target.type.resource}`);
    const cache = new ObjectCache<WebhookConfiguration>(client, target.type, {
      fieldSelector: `metadata.name=${target.name}`,
      onError,
    });
    const ensure = async (): Promise<void> => {
      const live = cache.get(undefined, target.name);
      if (stopped || live === undefined) return;
      const caBundle = Buffer.from(authority.current.trusted).toString("base64");
      const patch = patchOf(live, { caBundle, failurePolicy: target.failurePolicy });
      if (patch.length === 0) return;
      try {
        await client.patch(target.type, { name: target.name }, patch, { type: "json", fieldManager: "istiod" });
        log.info({ webhook: target.name }, "the API server may call this control plane");
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error))
          log.warn(
            { webhook: target.name, error: textOf(error) },
            "cannot put the CA's certificate into a webhook, trying again",
          );
        const timer = setTimeout(() => {
          timers.delete(timer);
          void ensure();
        }, RETRY_MS);
        timers.add(timer);
      }
    };
    cache.onChange(() => void ensure());
    const unfollow = authority.onChange(() => void ensure());
    return { cache, unfollow };
  });
  return () => {
    stopped = true;
    for (const timer of timers) clearTimeout(timer);
    for (const { cache, unfollow } of followed) {
      unfollow();
      cache.dispose();
    }
  };
}

/** What has to change in a configuration, as a JSON patch. The name is tested, since another writer may have changed the list. */
export function patchOf(
  live: WebhookConfiguration,
  wanted: { readonly caBundle: string; readonly failurePolicy: string | undefined },
): readonly object[] {
  return (live.webhooks ?? []).flatMap(({ name, failurePolicy, clientConfig }, index) => {
    const path = `/webhooks/${index}`;
    const changes = [
      ...(clientConfig.caBundle === wanted.caBundle
        ? []
        : [{ op: "add", path: `${path}/clientConfig/caBundle`, value: wanted.caBundle }]),
      ...(wanted.failurePolicy === undefined || failurePolicy === wanted.failurePolicy
        ? []
        : [{ op: "add", path: `${path}/failurePolicy`, value: wanted.failurePolicy }]),
    ];
    return changes.length === 0 ? [] : [{ op: "test", path: `${path}/name`, value: name }, ...changes];
  });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
