import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import type { INode } from "kubernetes-models/v1/Node";
import type { ExistingSettings } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import { images, namespaces } from "#api/names.ts";
import { KubeClient } from "#kube/client.ts";
import { Discovery } from "#kube/discovery.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import { meshManifests, removeNamespaces, uninstallMesh } from "#mesh/deploy/install.ts";
import { defaultValues, type MeshValues } from "#mesh/deploy/values.ts";
import type { ClusterProvider, ProviderContext, RunningCluster } from "../provider.ts";
import { extractContext, kubeconfigPaths } from "./context.ts";
import { describeRights, missingRights, rightsFor } from "./rights.ts";
import { nameOf, type Survey, survey } from "./survey.ts";

export interface ExistingOptions {
  readonly name: string;
  /** Holds a kubeconfig with the one context. */
  readonly stateFolder: string;
  readonly settings: ExistingSettings;
}

/** Namespaces that the lab makes for itself beside the mesh's own. */
const labNamespaces = [namespaces.shop, namespaces.traffic];

/** A cluster that somebody else runs: nothing is started or stopped here, the mesh and the lab are put in and taken out. */
export function existingProvider(options: ExistingOptions): ClusterProvider {
  const kubeconfig = join(options.stateFolder, "kubeconfig");
  return {
    kind: "existing",
    deletesRunning: true,
    exists: () =>
      access(kubeconfig).then(
        () => true,
        () => false,
      ),
    preflight: async (context) => {
      const { settings } = options;
      await extractContext(kubeconfigPaths(settings.kubeconfig), settings.context, kubeconfig);
      await withClient(kubeconfig, (client) => inspect(client, options, context));
    },
    start: (context) => withClient(kubeconfig, (client) => attach(client, { options, kubeconfig }, context)),
    delete: async () => {
      await remove(kubeconfig, options);
      await rm(options.stateFolder, { recursive: true, force: true });
    },
  };
}

async function withClient<T>(kubeconfig: string, work: (client: KubeClient) => Promise<T>): Promise<T> {
  const client = new KubeClient(kubeconfigConnection(kubeconfig));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

function meshValues({ settings }: ExistingOptions): MeshValues {
  return { ...defaultValues, image: settings.images?.mesh ?? images.mesh };
}

/** Says what an installation would change and what it needs, and refuses where it would be in the way of others. */
async function inspect(client: KubeClient, options: ExistingOptions, context: ProviderContext): Promise<void> {
  const { context: name, takeOver = false } = options.settings;
  context.detail("asking the cluster what it has");
  const discovery = new Discovery(client);
  const lab = labNamespaces.map(
    (namespace): KubeObject => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    }),
  );
  const objects = [...meshManifests(meshValues(options)).flat(), ...lab];
  const found = await survey(client, discovery, objects).catch((error: unknown) => {
    throw new AppError("CLUSTER_START_FAILED", `the cluster of context "${name}" does not answer`, {
      cause: error,
      detail: error instanceof Error ? error.message : String(error),
      hint: "Try `kubectl get nodes` with this context.",
    });
  });
  const rights = await rightsFor(objects, discovery);
  report(found, context);
  for (const line of describeRights(rights)) context.log(`needs: ${line}`);
  const missing = await missingRights(client, rights, context.signal);
  if (missing.length > 0)
    throw new AppError(
      "RIGHTS_MISSING",
      `the user of context "${name}" may not do ${missing.length} things that are needed`,
      {
        detail: describeRights(missing).join("\n"),
        hint: "Ask whoever runs the cluster for these rights.",
      },
    );
  refuseForeign(found, takeOver);
}

function report({ absent, ours, foreign }: Survey, { log }: ProviderContext): void {
  for (const object of absent) log(`would create ${nameOf(object)}`);
  for (const object of ours) log(`would update ${nameOf(object)}, which Slipway has made`);
  for (const object of foreign) log(`is there and was made by others: ${nameOf(object)}`);
}

function refuseForeign({ foreign, meshes }: Survey, takeOver: boolean): void {
  const lab = foreign.filter(
    ({ kind, metadata }) => kind === "Namespace" && labNamespaces.some((one) => one === metadata.name),
  );
  if (lab.length > 0)
    throw new AppError("MESH_PRESENT", `the cluster has its own ${lab.map(nameOf).join(" and ")}`, {
      hint: "The lab would mix with what is in there. Choose another cluster.",
    });
  // Definitions and namespaces are shared things: those of others are used and left as they are.
  const inTheWay = foreign.filter(({ kind }) => kind !== "CustomResourceDefinition" && kind !== "Namespace");
  if (takeOver || (inTheWay.length === 0 && meshes.length === 0)) return;
  throw new AppError("MESH_PRESENT", "another mesh is installed in this cluster", {
    detail: [...new Set([...meshes, ...inTheWay.map(nameOf)])].join("\n"),
    hint: "Remove it first, choose another cluster, or say --take-over: then Slipway's takes its place.",
  });
}

interface Attachment {
  readonly options: ExistingOptions;
  readonly kubeconfig: string;
}

async function attach(
  client: KubeClient,
  { options, kubeconfig }: Attachment,
  context: ProviderContext,
): Promise<RunningCluster> {
  const { items: nodes } = await client.list<INode & KubeObject>(resources.nodes, {});
  // Where there is room to lie apart, nothing that everybody needs lies on one node alone.
  const copies = nodes.filter(({ spec }) => !spec?.unschedulable && !spec?.taints?.length).length > 1 ? 2 : 1;
  const { gitVersion } = await client.http.json<{ readonly gitVersion: string }>({
    method: "GET",
    path: "/version",
    signal: context.signal,
  });
  return {
    name: options.name,
    kubernetesVersion: gitVersion,
    kubeconfig,
    mesh: { ...meshValues(options), controlPlaneReplicas: copies, gatewayReplicas: copies },
    appsImage: options.settings.images?.apps ?? images.apps,
    gatewayUrl: undefined,
    pid: undefined,
    ended: new Promise(() => {}),
    usage: async () => ({ memoryBytes: undefined, nodes: {} }),
    // It is not ours to stop; what was installed stays.
    stop: async () => {},
  };
}

async function remove(kubeconfig: string, options: ExistingOptions): Promise<void> {
  // Without a kubeconfig of ours nothing was ever installed.
  const client = await Promise.resolve()
    .then(() => new KubeClient(kubeconfigConnection(kubeconfig)))
    .catch(() => undefined);
  if (client === undefined) return;
  const context = { signal: new AbortController().signal, detail: () => {}, log: () => {} };
  try {
    // First those whose pods have proxies; then what their deletion does not need any more.
    await removeNamespaces(client, labNamespaces, context);
    await uninstallMesh(client, context, meshValues(options));
    await removeNamespaces(client, [namespaces.system], context);
  } finally {
    client.close();
  }
}
