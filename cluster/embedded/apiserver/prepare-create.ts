import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, isObject, type JsonObject } from "../machinery/json.ts";
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
    case "/persistentvolumeclaims":
    case "/persistentvolumes":
      object.status = { phase: "Pending" };
      return;
  }
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
