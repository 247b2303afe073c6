import { annotations, labels } from "#api/names.ts";
import { annotation, label, type PodDraft, PROXY_CONTAINER } from "./pod.ts";

/** Namespaces of Kubernetes itself, whose pods the mesh must not depend on nor get between. */
const excluded: ReadonlySet<string> = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);

const truthy: ReadonlySet<string> = new Set(["true", "yes", "y", "on"]);
const falsy: ReadonlySet<string> = new Set(["false", "no", "n", "off"]);

/**
 * Why a pod gets no proxy; undefined if it gets one. The webhook's selectors have chosen already by namespace; what the pod itself
 * says comes first, its label before its annotation. Source: "Automatic sidecar injection" in Istio's documentation.
 */
export function reasonToSkip(pod: PodDraft, namespace: string): string | undefined {
  if (excluded.has(namespace)) return `namespace ${namespace} belongs to Kubernetes`;
  if (pod.spec.hostNetwork === true)
    return "the pod uses the network of its node (hostNetwork), which must not be captured";
  if (annotation(pod, annotations.status) !== undefined) return "the pod has a proxy already";
  const hasOwnProxy = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    ({ name, image }) => name === PROXY_CONTAINER && image !== "auto" && image !== undefined,
  );
  if (hasOwnProxy) return `the pod brings its own container ${PROXY_CONTAINER}`;
  const wish = label(pod, labels.inject) ?? annotation(pod, labels.inject);
  if (wish === undefined || wish === "" || truthy.has(wish.toLowerCase())) return undefined;
  if (falsy.has(wish.toLowerCase())) return `${labels.inject} is ${wish}`;
  return `${labels.inject} is "${wish}", which is neither true nor false`;
}
