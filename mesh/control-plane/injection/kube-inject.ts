import type { KubeObject } from "#api/kinds/object.ts";
import { type InjectionContext, injectPod } from "./inject.ts";
import type { PodDraft, PodSpec } from "./pod.ts";

interface Templated extends KubeObject {
  readonly spec: { readonly template: { readonly metadata?: PodDraft["metadata"]; readonly spec: PodSpec } };
}

/**
 * Injects offline what would make pods (`istioctl kube-inject`): a pod itself or the template of a Deployment, ReplicaSet,
 * StatefulSet, DaemonSet, Job or CronJob. Everything else comes back as it is.
 */
export function injectObject(object: KubeObject, context: Pick<InjectionContext, "settings">): KubeObject {
  const namespace = object.metadata.namespace ?? "default";
  switch (object.kind) {
    case "Pod": {
      const pod = object as KubeObject & PodDraft;
      const injection = injectPod(pod, { ...context, namespace });
      return injection.kind === "skipped" ? object : { ...pod, ...injection.pod };
    }
    case "CronJob": {
      const cron = object as KubeObject & { readonly spec: { readonly jobTemplate: Pick<Templated, "spec"> } };
      const job = injectTemplate({ ...object, ...cron.spec.jobTemplate } as Templated, { ...context, namespace });
      return {
        ...object,
        spec: { ...cron.spec, jobTemplate: { ...cron.spec.jobTemplate, spec: job.spec } },
      } as KubeObject;
    }
    case "Deployment":
    case "ReplicaSet":
    case "StatefulSet":
    case "DaemonSet":
    case "Job":
      return injectTemplate(object as Templated, { ...context, namespace });
    default:
      return object;
  }
}

function injectTemplate(object: Templated, context: InjectionContext): Templated {
  const { template } = object.spec;
  // A template has no owner yet; metrics are to show the workload's name all the same.
  const owner = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name ?? "",
    uid: "",
    controller: true,
  };
  const injection = injectPod(
    { metadata: { ...template.metadata, ownerReferences: [owner] }, spec: template.spec },
    context,
  );
  if (injection.kind === "skipped") return object;
  const { ownerReferences: _, ...metadata } = injection.pod.metadata;
  return { ...object, spec: { ...object.spec, template: { ...template, metadata, spec: injection.pod.spec } } };
}
