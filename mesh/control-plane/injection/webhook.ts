import jsonpatch from "fast-json-patch";
import { type AdmissionRequest, type AdmissionResponse, allow, refuse } from "../admission.ts";
import { type InjectionContext, injectPod } from "./inject.ts";
import type { PodDraft } from "./pod.ts";
import { AnnotationError } from "./proxy-options.ts";
import type { InjectionSettings } from "./settings.ts";

export interface InjectionLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Answers one admission request of `/inject`. Reads the settings anew each time, since the mesh's configuration may change. */
export function reviewInjection(
  request: AdmissionRequest,
  { settings, log }: { readonly settings: () => InjectionSettings; readonly log: InjectionLog },
): AdmissionResponse {
  const pod = request.object as PodDraft | null | undefined;
  if (pod?.spec?.containers === undefined)
    return refuse(request.uid, { code: 400, message: "the request holds no pod" });
  const namespace = request.namespace ?? pod.metadata.namespace ?? "default";
  const name = pod.metadata.name ?? `${pod.metadata.generateName ?? ""}*`;
  try {
    const patch = injectionPatch(pod, { namespace, settings: settings() });
    if (patch.kind === "skipped") {
      log.info({ pod: `${namespace}/${name}`, reason: patch.reason }, "not injected");
      return allow(request.uid);
    }
    log.info({ pod: `${namespace}/${name}` }, "injected");
    return allow(request.uid, patch.operations);
  } catch (error) {
    if (!(error instanceof AnnotationError)) throw error;
    return refuse(request.uid, { code: 400, message: `the pod cannot get a proxy: ${error.message}` });
  }
}

export type InjectionPatch =
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "patch"; readonly operations: readonly object[] };

/** A JSON patch (RFC 6902) that gives a pod its proxy. Pure. */
export function injectionPatch(pod: PodDraft, context: InjectionContext): InjectionPatch {
  const injection = injectPod(pod, context);
  if (injection.kind === "skipped") return injection;
  return { kind: "patch", operations: jsonpatch.compare(pod, { ...pod, ...injection.pod }) };
}
