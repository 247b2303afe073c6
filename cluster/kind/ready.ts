import { setTimeout as delay } from "node:timers/promises";
import type { ILease } from "kubernetes-models/coordination.k8s.io/v1/Lease";
import type { IEndpointSlice } from "kubernetes-models/discovery.k8s.io/v1/EndpointSlice";
import type { INode } from "kubernetes-models/v1/Node";
import type { IPod } from "kubernetes-models/v1/Pod";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import type { ProviderContext } from "../provider.ts";

const API_MS = 120_000;
const PODS_MS = 120_000;
const NODES_MS = 60_000;
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
 * Waits until every node takes pods: a copy of something that came before would lie on the same node as the one before it.
 * Goes on with those that there are when one takes too long: what runs on a node that never comes is for later steps to judge.
 */
export async function whenNodesReady(kubeconfig: string, count: number, context: ProviderContext): Promise<void> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  try {
    await until(NODES_MS, context.signal, async () => {
      const { items } = await client
        .list<INode & KubeObject>(resources.nodes, {})
        .catch(() => ({ items: [] as readonly (INode & KubeObject)[] }));
      const ready = items.filter(takesPods).length;
      context.detail(`${ready} of ${count} nodes are ready`);
      return ready >= count;
    });
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`not every node is ready: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    client.close();
  }
}

const takesPods = ({ spec, status }: INode & KubeObject): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true &&
  !spec?.taints?.some(({ key }) => key.startsWith("node.kubernetes.io/"));

/**
 * Waits until the cluster tells how it is now. Just after its nodes were started again it still tells how it was before: so every
 * running pod's containers must have been started after `since` (milliseconds since the epoch), the controllers must have a leader
 * again (which takes as long as the lease of the last one), and Services must lead to the pods' new addresses.
 */
export async function whenSettled(kubeconfig: string, since: number, context: ProviderContext): Promise<void> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  try {
    await until(PODS_MS, context.signal, async () => {
      const waitsFor = await unsettled(client, since).catch(() => "the API server");
      if (waitsFor !== undefined) context.detail(`waiting for ${waitsFor}`);
      return waitsFor === undefined;
    });
  } catch (error) {
    context.signal.throwIfAborted();
    // A pod that does not come back is for the steps after this one to judge.
    context.log(`not every pod runs again: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    client.close();
  }
}

/** What there is to wait for; undefined if there is nothing. */
async function unsettled(client: KubeClient, since: number): Promise<string | undefined> {
  const leader = { namespace: "kube-system", name: "kube-controller-manager" };
  const [{ items: pods }, { items: slices }, lease] = await Promise.all([
    client.list<IPod & KubeObject>(resources.pods, {}),
    client.list<IEndpointSlice & KubeObject>(resources.endpointSlices, {}),
    client.get<ILease & KubeObject>(resources.leases, leader),
  ]);
  const old = pods.filter((pod) => !isFresh(pod, since));
  if (old.length > 0) return `${old.length} of ${pods.length} pods to run again`;
  if (lease !== undefined && Date.parse(lease.spec?.renewTime ?? "") < since) return "the controllers";
  const addresses = new Map(pods.map(({ metadata, status }) => [metadata.uid, status?.podIP]));
  const stale = slices.filter(({ endpoints }) =>
    (endpoints ?? []).some(
      ({ targetRef, addresses: [address] }) => targetRef?.kind === "Pod" && addresses.get(targetRef.uid) !== address,
    ),
  );
  return stale.length === 0 ? undefined : `the addresses of ${stale.map(({ metadata }) => metadata.name).join(", ")}`;
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
