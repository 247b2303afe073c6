import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { ObjectCache } from "./cache.ts";
import type { KubeClient } from "./client.ts";
import { resources } from "./resource.ts";

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
  if (!(signal.reason instanceof DOMException) || signal.reason.name !== "TimeoutError") return signal.reason;
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

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
