import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "#kube/client.ts";
import type { Discovery } from "#kube/discovery.ts";
import { resources } from "#kube/resource.ts";
import { isOurs } from "#mesh/deploy/ownership.ts";

/** What is in a cluster of what is to be installed. */
export interface Survey {
  readonly absent: readonly KubeObject[];
  /** Made by an earlier installation. */
  readonly ours: readonly KubeObject[];
  /** Made by somebody else. */
  readonly foreign: readonly KubeObject[];
  /** Other meshes, by what gives them away. */
  readonly meshes: readonly string[];
}

export async function survey(
  client: KubeClient,
  discovery: Discovery,
  objects: readonly KubeObject[],
): Promise<Survey> {
  const found = await Promise.all(
    objects.map(async (object) => ({ object, live: await findObject(client, discovery, object) })),
  );
  return {
    absent: found.filter(({ live }) => live === undefined).map(({ object }) => object),
    ours: found.filter(({ live }) => live !== undefined && isOurs(live)).map(({ object }) => object),
    foreign: found.filter(({ live }) => live !== undefined && !isOurs(live)).map(({ object }) => object),
    meshes: await otherMeshes(client),
  };
}

async function findObject(
  client: KubeClient,
  discovery: Discovery,
  object: KubeObject,
): Promise<KubeObject | undefined> {
  const type = await discovery.find(object.apiVersion, object.kind);
  const { namespace, name = "" } = object.metadata;
  return type && client.get<KubeObject>(type, { name, ...(namespace === undefined ? {} : { namespace }) });
}

/** Whoever puts proxies into pods has a webhook for them: that is how meshes are told. */
async function otherMeshes(client: KubeClient): Promise<readonly string[]> {
  const { items } = await client.list<KubeObject>(resources.mutatingWebhooks, {});
  return items
    .filter(
      (webhook) => !isOurs(webhook) && /istio|sidecar|linkerd|kuma|consul-connect/.test(webhook.metadata.name ?? ""),
    )
    .map(({ metadata }) => `MutatingWebhookConfiguration ${metadata.name}`);
}

export const nameOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
