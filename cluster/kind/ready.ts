import { setTimeout as delay } from "node:timers/promises";
import type { IPod } from "kubernetes-models/v1/Pod";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import type { ProviderContext } from "../provider.ts";

const API_MS = 120_000;
const PODS_MS = 120_000;
const EVERY_MS = 250;

/** Waits until the API server is ready; resolves with its version, such as "v1.36.3". */
export async function whenApiReady(kubeconfig: string, context: ProviderContext): Promise<string> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  let last = "";
  try {
    await until(API_MS, context.signal, async () => {
      context.detail("waiting for the API server");
      last = await client.http
        .text({ method: "GET", path: "/readyz", signal: context.signal, timeoutMs: 2000 })
        .catch(String);
      return last === "ok";
    });
    const { gitVersion } = await client.http.json<{ readonly gitVersion: string }>({ method: "GET", path: "/version" });
    return gitVersion;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    throw new AppError("TIMEOUT", `the API server was not ready within ${API_MS / 1000} s`, {
      detail: last,
      hint: "If the nodes got other addresses when Docker was started again, they cannot find themselves: delete the cluster and create it anew.",
    });
  } finally {
    client.close();
  }
}

/**
 * Waits until every running pod's containers were started after `since` (milliseconds since the epoch). Just after its nodes were
 * started again a cluster still tells how it was before.
 */
export async function whenPodsRestarted(kubeconfig: string, since: number, context: ProviderContext): Promise<void> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  try {
    await until(PODS_MS, context.signal, async () => {
      const pods = await client.list<IPod & KubeObject>(resources.pods, {}).catch(() => undefined);
      if (pods === undefined) return false;
      const old = pods.items.filter((pod) => !isFresh(pod, since));
      context.detail(`waiting for ${old.length} of ${pods.items.length} pods to run again`);
      return old.length === 0;
    });
  } catch (error) {
    context.signal.throwIfAborted();
    // A pod that does not come back is for the steps after this one to judge.
    context.log(`not every pod runs again: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    client.close();
  }
}

function isFresh({ status, metadata }: IPod & KubeObject, since: number): boolean {
  if (status?.phase !== "Running" || metadata.deletionTimestamp !== undefined) return true;
  return (status.containerStatuses ?? []).every(
    ({ state }) => Date.parse(state?.running?.startedAt ?? "") + 1000 > since,
  );
}

async function until(timeoutMs: number, signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await isSo())) {
    signal.throwIfAborted();
    if (Date.now() > end) throw new AppError("TIMEOUT", `not within ${timeoutMs / 1000} s`);
    await delay(EVERY_MS, undefined, { signal });
  }
}
