import { setTimeout as delay } from "node:timers/promises";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "./cache.ts";
import type { KubeClient, ObjectKey } from "./client.ts";
import { type ResourceType, resources } from "./resource.ts";

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** What it still waits for. */
  readonly onProgress?: (text: string) => void;
}

/** Waits until every Deployment of a namespace has rolled out its newest version and all of its replicas are available. */
export async function whenAvailable(client: KubeClient, namespace: string, options: WaitOptions): Promise<void> {
  const cache = new ObjectCache<IDeployment & KubeObject>(client, resources.deployments, { namespace });
  try {
    await Promise.race([cache.ready, aborted(options.signal)]);
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const missing = cache.all
          .filter((deployment) => !isRolledOut(deployment))
          .map(({ metadata }) => metadata.name ?? "");
        if (missing.length === 0) resolve();
        else options.onProgress?.(`waiting for ${missing.join(", ")}`);
      };
      cache.onChange(look);
      options.signal.addEventListener("abort", () => reject(waitError(options.signal, namespace, cache.all)), {
        once: true,
      });
      look();
    });
  } finally {
    cache.dispose();
  }
}

/** Waits until an object does not exist any more. Throws TIMEOUT when the signal's time is over, else the signal's reason. */
export async function whenGone(
  client: KubeClient,
  { type, key, signal }: { readonly type: ResourceType; readonly key: ObjectKey; readonly signal: AbortSignal },
): Promise<void> {
  while ((await client.get(type, key)) !== undefined) {
    if (isTimeout(signal)) {
      throw new AppError("TIMEOUT", `${key.name} is still being deleted`, {
        hint: `Something holds it: slipway kubectl get ${type.resource} ${key.name} -o yaml shows its finalizers.`,
      });
    }
    signal.throwIfAborted();
    await delay(100);
  }
}

/** As `kubectl rollout status` judges it. */
export function isRolledOut({ metadata, spec, status }: IDeployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.replicas ?? 0) <= wanted &&
    (status?.availableReplicas ?? 0) >= wanted
  );
}

function waitError(signal: AbortSignal, namespace: string, deployments: readonly IDeployment[]): unknown {
  if (!isTimeout(signal)) return signal.reason;
  const missing = deployments.filter((deployment) => !isRolledOut(deployment));
  const detail = missing.map(
    ({ metadata, status }) =>
      `${metadata?.name}: ${(status?.conditions ?? []).map(({ type, status: value, message }) => `${type}=${value} ${message ?? ""}`).join("; ")}`,
  );
  return new AppError(
    "TIMEOUT",
    `not available in ${namespace}: ${missing.map(({ metadata }) => metadata?.name).join(", ")}`,
    {
      hint: `Look at the pods: slipway kubectl -n ${namespace} get pods,events`,
      detail: detail.join("\n"),
    },
  );
}

const isTimeout = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.name === "TimeoutError";

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
