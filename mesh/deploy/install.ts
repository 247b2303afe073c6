import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { crds } from "#gen/crds/all.ts";
import type { KubeClient } from "#kube/client.ts";
import { whenServed } from "#kube/definitions.ts";
import { Discovery } from "#kube/discovery.ts";
import { resources } from "#kube/resource.ts";
import * as controlPlane from "./control-plane.ts";
import {
  gatewayDeployment,
  gatewayDisruptionBudget,
  gatewayService,
  gatewayServiceAccount,
} from "./ingress-gateway.ts";
import { isOurs, isShared, owned, pruneMesh } from "./ownership.ts";
import { clusterRole, clusterRoleBinding, gatewayRole, gatewayRoleBinding, role, roleBinding } from "./rbac.ts";
import { defaultValues, type MeshValues } from "./values.ts";
import { injectorWebhook, validatorWebhook } from "./webhooks.ts";
import { ztunnelClusterRole, ztunnelClusterRoleBinding, ztunnelDaemonSet, ztunnelServiceAccount } from "./ztunnel.ts";

const FIELD_MANAGER = "slipway-mesh";
/** ConfigMaps in which the control plane gives its roots, and what they have revoked, to every namespace. */
const DISTRIBUTED = ["istio-ca-root-cert", "istio-ca-crl"];
/** Pods have up to their grace period to end. */
const NAMESPACE_MS = 120_000;

export interface InstallContext {
  readonly signal: AbortSignal;
  detail(text: string): void;
  log(line: string): void;
}

/**
 * The mesh's objects in groups; each group needs the one before it, and what is in one may be applied in any order. The gateway
 * comes at once with the control plane, and people's workloads may as well: the injector's policy is Fail, so that the ReplicaSets
 * try again within milliseconds of its first answer. That is quicker than waiting here, and no pod ever starts without its proxy.
 */
export function meshManifests(values: MeshValues): readonly (readonly KubeObject[])[] {
  return groups(values).map((group) => group.map(owned));
}

function groups(values: MeshValues): readonly (readonly KubeObject[])[] {
  return [
    [controlPlane.systemNamespace as KubeObject, ...(crds as readonly KubeObject[])],
    [
      controlPlane.serviceAccount,
      clusterRole,
      clusterRoleBinding,
      role,
      roleBinding,
      controlPlane.meshConfig(values),
      controlPlane.service,
      controlPlane.disruptionBudget,
      ztunnelServiceAccount,
      ztunnelClusterRole,
      ztunnelClusterRoleBinding,
      gatewayServiceAccount,
      gatewayDisruptionBudget,
      gatewayRole,
      gatewayRoleBinding,
      gatewayService(values),
    ] as KubeObject[],
    [injectorWebhook, validatorWebhook] as KubeObject[],
    [controlPlane.deployment(values), gatewayDeployment(values), ztunnelDaemonSet(values)] as KubeObject[],
  ];
}

/**
 * Installs or updates the mesh by server-side apply, and removes what an earlier version installed and this one does not. Does not
 * wait until it is ready: that is what `whenAvailable` of kube/wait.ts is for.
 */
export async function installMesh(
  client: KubeClient,
  context: InstallContext,
  values: MeshValues = defaultValues,
): Promise<void> {
  const discovery = new Discovery(client);
  const manifests = meshManifests(values);
  for (const group of manifests) {
    await Promise.all(group.map((object) => applyObject(client, discovery, { object, context })));
  }
  // Whoever comes after this wants to use them.
  await whenServed(client, crds as readonly KubeObject[], context.signal);
  await pruneMesh(client, manifests.flat(), { discovery, ...context });
}

/**
 * Removes what an installation of ours has made and nothing else. Definitions stay: with them, people's own configuration would
 * go. So does the namespace, which others may use; see `removeNamespaces`.
 */
export async function uninstallMesh(
  client: KubeClient,
  context: InstallContext,
  values: MeshValues = defaultValues,
): Promise<void> {
  const discovery = new Discovery(client);
  const objects = meshManifests(values)
    .flat()
    .filter((object) => !isShared(object));
  for (const object of objects.toReversed()) {
    const type = await discovery.find(object.apiVersion, object.kind);
    const { namespace, name = "" } = object.metadata;
    const key = { name, ...(namespace !== undefined && { namespace }) };
    const live = type && (await client.get<KubeObject>(type, key));
    if (type === undefined || live === undefined || !isOurs(live)) continue;
    await client.delete(type, key);
    context.log(`${object.kind} ${name} deleted`);
  }
  for (const name of DISTRIBUTED) {
    const copies = await client.list<KubeObject>(resources.configMaps, { fieldSelector: `metadata.name=${name}` });
    for (const { metadata } of copies.items)
      await client.delete(resources.configMaps, { namespace: metadata.namespace ?? "", name });
  }
}

/** Deletes those of the namespaces that an installation of ours has made, and waits until they are gone. */
export async function removeNamespaces(
  client: KubeClient,
  names: readonly string[],
  { signal, log }: InstallContext,
): Promise<void> {
  for (const name of names) {
    const live = await client.get<KubeObject>(resources.namespaces, { name });
    if (live === undefined || !isOurs(live)) continue;
    await client.delete(resources.namespaces, { name });
    const end = Date.now() + NAMESPACE_MS;
    while ((await client.get(resources.namespaces, { name })) !== undefined) {
      if (Date.now() > end)
        throw new AppError("TIMEOUT", `namespace ${name} is not gone after ${NAMESPACE_MS / 1000} s`);
      await delay(250, undefined, { signal });
    }
    log(`Namespace ${name} deleted`);
  }
}

async function applyObject(
  client: KubeClient,
  discovery: Discovery,
  { object, context }: { readonly object: KubeObject; readonly context: InstallContext },
): Promise<void> {
  const type = await discovery.find(object.apiVersion, object.kind);
  if (type === undefined)
    throw new AppError("MESH_INSTALL_FAILED", `the cluster has no kind ${object.kind} in ${object.apiVersion}`);
  context.detail(`${object.kind} ${object.metadata.name}`);
  if (isShared(object)) {
    const live = await client.get<KubeObject>(type, { name: object.metadata.name ?? "" });
    if (live !== undefined && !isOurs(live))
      return context.log(`${object.kind} ${object.metadata.name} is another's and stays`);
  }
  try {
    // The control plane writes the caBundle of its webhooks; taking over all other fields must not take that one away.
    await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true, signal: context.signal });
  } catch (error) {
    context.signal.throwIfAborted();
    throw new AppError(
      "MESH_INSTALL_FAILED",
      `${object.kind} ${object.metadata.name}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  context.log(`${object.kind} ${object.metadata.name} applied`);
}
