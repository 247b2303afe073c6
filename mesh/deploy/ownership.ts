import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import type { Discovery } from "#kube/discovery.ts";
import type { ResourceType } from "#kube/resource.ts";

/** Marks what an installation has made, as Istio's installer does; a later one finds by it what it has to remove. */
const OWNER = "install.operator.istio.io/owning-resource";
const REVISION = "istio.io/rev";
const owner = "slipway";
const revision = "default";

/** Namespaces get no revision: there its label would mean that their pods are injected by it. */
export function owned(object: KubeObject): KubeObject {
  const ofRevision = object.kind === "Namespace" ? {} : { [REVISION]: revision };
  const labels = { ...object.metadata.labels, [OWNER]: owner, ...ofRevision };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** Whether an installation of ours has made this. */
export const isOurs = ({ metadata }: KubeObject): boolean => metadata.labels?.[OWNER] === owner;

/** What others may share: if it is there already, it is used and left as it is. */
export const isShared = ({ kind }: KubeObject): boolean => kind === "Namespace" || kind === "CustomResourceDefinition";

export interface PruneContext {
  readonly discovery: Discovery;
  readonly signal: AbortSignal;
  log(line: string): void;
}

/**
 * Deletes what an earlier installation of this revision made and `wanted` no longer holds. Definitions and namespaces stay: with them
 * people's own objects would go. Looks only at kinds that the mesh installs.
 */
export async function pruneMesh(
  client: KubeClient,
  wanted: readonly KubeObject[],
  context: PruneContext,
): Promise<void> {
  const kinds = new Map(wanted.map(({ apiVersion, kind }) => [`${apiVersion}/${kind}`, { apiVersion, kind }]));
  const keep = new Set(wanted.map(keyOf));
  const prunable = [...kinds.values()].filter(
    ({ kind }) => kind !== "CustomResourceDefinition" && kind !== "Namespace",
  );
  await Promise.all(
    prunable.map(async ({ apiVersion, kind }) => {
      const type = await context.discovery.find(apiVersion, kind);
      if (type !== undefined) await pruneKind(client, type, { ...context, keep });
    }),
  );
}

async function pruneKind(
  client: KubeClient,
  type: ResourceType,
  { keep, signal, log }: PruneContext & { readonly keep: ReadonlySet<string> },
): Promise<void> {
  const labelSelector = `${OWNER}=${owner},${REVISION}=${revision}`;
  const { items } = await client.list<KubeObject>(type, { labelSelector }, { signal });
  for (const item of items.filter((one) => !keep.has(keyOf(one)))) {
    const { namespace, name = "" } = item.metadata;
    await client.delete(type, { name, ...(namespace === undefined ? {} : { namespace }) }, { signal });
    log(`${item.kind} ${name} is no longer part of the mesh and was deleted`);
  }
}

const keyOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
