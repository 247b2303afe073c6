import type { IConfigMap } from "kubernetes-models/v1/ConfigMap";
import type { INamespace } from "kubernetes-models/v1/Namespace";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import type { KubeObject } from "#api/kinds/object.ts";
import { watchCache } from "../machinery/cache.ts";
import { coreV1, StatusError } from "../machinery/resources.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { WorkQueue } from "./work-queue.ts";

type Namespace = INamespace & KubeObject;

/** Milliseconds after which a namespace that is not empty yet is looked at again. */
const AGAIN_MS = 100;
const ROOT_CA = "kube-root-ca.crt";

/** What every namespace has (a default service account, the cluster's CA), and how one is emptied before it goes. */
export function startNamespaces(context: ControllerContext): Controller {
  const { resources, clock, logger, types, clusterCa } = context;
  const namespaces = watchCache<Namespace>(resources, coreV1("namespaces"));
  const accounts = watchCache<IServiceAccount & KubeObject>(resources, coreV1("serviceaccounts"));
  const configMaps = watchCache<IConfigMap & KubeObject>(resources, coreV1("configmaps"));
  const queue = new WorkQueue({ name: "namespace", clock, logger, reconcile });

  namespaces.onChange(({ after }) => {
    if (after !== undefined) queue.add(after.metadata.name ?? "");
  });
  accounts.onChange(({ before, after }) => {
    if (after === undefined && before?.metadata.name === "default") queue.add(before.metadata.namespace ?? "");
  });
  configMaps.onChange(({ before, after }) => {
    if (before?.metadata.name === ROOT_CA && after?.data?.["ca.crt"] !== clusterCa)
      queue.add(before.metadata.namespace ?? "");
  });

  async function reconcile(name: string): Promise<void> {
    await Promise.all([namespaces.synced, accounts.synced, configMaps.synced]);
    const namespace = namespaces.get("", name);
    if (namespace === undefined) return;
    if (namespace.metadata.deletionTimestamp !== undefined) return empty(namespace);
    await Promise.all([ensureAccount(name), ensureRootCa(name)]);
  }

  async function ensureAccount(namespace: string): Promise<void> {
    if (accounts.get(namespace, "default") !== undefined) return;
    await resources
      .create(coreV1("serviceaccounts"), {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "default", namespace },
      })
      .catch(unlessExists);
  }

  async function ensureRootCa(namespace: string): Promise<void> {
    const before = configMaps.get(namespace, ROOT_CA);
    if (before?.data?.["ca.crt"] === clusterCa) return;
    const wanted: IConfigMap & KubeObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: ROOT_CA, namespace },
      data: { "ca.crt": clusterCa },
    };
    if (before === undefined) await resources.create(coreV1("configmaps"), wanted).catch(unlessExists);
    else await resources.update(coreV1("configmaps"), { ...before, data: wanted.data ?? {} });
  }

  /** Deletes all that is in it; when nothing is left, releases it. */
  async function empty(namespace: Namespace): Promise<void> {
    const name = namespace.metadata.name ?? "";
    let left = 0;
    for (const type of types.all().filter((candidate) => candidate.namespaced)) {
      const { items } = await resources.list<KubeObject>(type, { namespace: name });
      left += items.length;
      const waiting = items.filter((item) => item.metadata.deletionTimestamp === undefined);
      await Promise.all(
        waiting.map((item) =>
          resources.delete(type, name, item.metadata.name ?? "", { propagationPolicy: "Background" }).catch(unlessGone),
        ),
      );
    }
    if (left > 0) return queue.addLater(name, AGAIN_MS);
    await resources
      .patch(coreV1("namespaces"), undefined, name, { type: "merge", body: { spec: { finalizers: [] } } })
      .catch(unlessGone);
  }

  return {
    stop: () => {
      queue.stop();
      for (const cache of [namespaces, accounts, configMaps]) cache.close();
    },
  };
}

function unlessExists(error: unknown): void {
  // Also while the namespace is being deleted.
  if (!(error instanceof StatusError) || (error.reason !== "AlreadyExists" && error.reason !== "Forbidden"))
    throw error;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof StatusError) || (error.reason !== "NotFound" && error.reason !== "Conflict")) throw error;
}
