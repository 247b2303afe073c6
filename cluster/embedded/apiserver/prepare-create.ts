import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, ensureObject, isObject, type JsonObject } from "../machinery/json.ts";
import { firstStatus } from "./definitions/prepare.ts";
import { bucketOf, type Kind } from "./kinds.ts";

/**
 * What the server itself says of a new object of a built-in kind: its first status, and what follows from other fields. Nobody
 * manages these fields. Changes the object.
 */
export function prepareForCreate(kind: Kind, object: ApiObject): void {
  switch (bucketOf(kind)) {
    case "/namespaces":
      object.spec = { finalizers: ["kubernetes"], ...asObject(object.spec) };
      object.status = { phase: "Active" };
      return;
    case "/pods":
      object.status = { phase: "Pending", qosClass: qosClass(asObject(object.spec)) };
      return;
    case "/services":
      if (isObject(object.spec)) addressFamilies(object.spec);
      return;
    case "/events":
      for (const name of ["firstTimestamp", "lastTimestamp", "eventTime"]) object[name] ??= null;
      for (const name of ["reportingComponent", "reportingInstance"]) object[name] ??= "";
      return;
    case "apiextensions.k8s.io/customresourcedefinitions":
      object.status = firstStatus(object);
      return;
    case "apps/replicasets":
      object.status = { replicas: 0 };
      return;
    case "apps/statefulsets":
      object.status = { replicas: 0, availableReplicas: 0 };
      return;
    case "apps/daemonsets":
      object.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
      return;
    case "batch/jobs":
      if (isObject(object.spec)) selectOwnPods(object, object.spec);
      return;
    case "policy/poddisruptionbudgets":
      object.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
      return;
    case "autoscaling/horizontalpodautoscalers":
      object.status = { desiredReplicas: 0, currentMetrics: null };
      return;
    case "/persistentvolumeclaims":
    case "/persistentvolumes":
      object.status = { phase: "Pending" };
      return;
  }
}

/** A job's pods are told from others' by its uid. */
function selectOwnPods(job: ApiObject, spec: JsonObject): void {
  if (spec.manualSelector === true) return;
  const { uid = "", name = "" } = job.metadata;
  const own = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const metadata = ensureObject(ensureObject(spec, "template"), "metadata");
  metadata.labels = { ...asObject(metadata.labels), ...own };
  // Labels that came from the pods go on being theirs.
  if (Object.keys(job.metadata.labels ?? {}).length > 0) job.metadata.labels = { ...job.metadata.labels, ...own };
  spec.selector ??= { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
}

function addressFamilies(spec: JsonObject): void {
  if (spec.type === "ExternalName") return;
  spec.ipFamilies ??= ["IPv4"];
  spec.ipFamilyPolicy ??= "SingleStack";
}

/** By requests and limits of processor and memory. Source: Kubernetes' quality of service classes. */
export function qosClass(spec: JsonObject): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...asArray(spec.containers), ...asArray(spec.initContainers)].map(asObject);
  const resources = containers.map((container) => asObject(container.resources));
  const names = ["cpu", "memory"];
  const says = (one: JsonObject): boolean =>
    names.some((name) => asObject(one.requests)[name] !== undefined || asObject(one.limits)[name] !== undefined);
  if (!resources.some(says)) return "BestEffort";
  const isGuaranteed = resources.every(({ requests, limits }) =>
    names.every((name) => {
      const [request, limit] = [asObject(requests)[name], asObject(limits)[name]];
      return limit !== undefined && (request === undefined || String(request) === String(limit));
    }),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
