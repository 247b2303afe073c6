import type { IPodTemplateSpec } from "kubernetes-models/v1/PodTemplateSpec";
import type { KubeObject } from "#api/kinds/object.ts";
import { coreV1, StatusError } from "../machinery/resources.ts";
import type { Pod } from "../node/kinds.ts";
import type { ControllerContext } from "./context.ts";
import { controllerReference } from "./owners.ts";

/** Makes a pod of a template and says so by an event; a refusal (by a webhook, say) is told too, and thrown. */
export async function createPod(
  context: ControllerContext,
  owner: KubeObject,
  template: IPodTemplateSpec,
  place: { readonly nodeName?: string; readonly name?: string } = {},
): Promise<Pod> {
  const { labels, annotations } = template.metadata ?? {};
  const named = place.name === undefined ? { generateName: `${owner.metadata.name}-` } : { name: place.name };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...named,
      namespace: owner.metadata.namespace ?? "default",
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(template.metadata?.finalizers && { finalizers: template.metadata.finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...template.spec, ...(place.nodeName === undefined ? {} : { nodeName: place.nodeName }) },
  } as Pod;
  try {
    const created = await context.resources.create<Pod>(coreV1("pods"), pod);
    context.events.record(owner, {
      type: "Normal",
      reason: "SuccessfulCreate",
      message: `Created pod: ${created.metadata.name}`,
    });
    return created;
  } catch (error) {
    context.events.record(owner, {
      type: "Warning",
      reason: "FailedCreate",
      message: `Error creating: ${error instanceof Error ? error.message : String(error)}`,
    });
    throw error;
  }
}

export async function deletePod(context: ControllerContext, owner: KubeObject, pod: Pod): Promise<void> {
  const { namespace, name = "", uid } = pod.metadata;
  try {
    await context.resources.delete(
      coreV1("pods"),
      namespace,
      name,
      uid === undefined ? {} : { preconditions: { uid } },
    );
    context.events.record(owner, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${name}` });
  } catch (error) {
    if (!(error instanceof StatusError) || (error.reason !== "NotFound" && error.reason !== "Conflict")) throw error;
  }
}
