import type { ApiObject } from "../machinery/api-object.ts";
import { isObject, type Json } from "../machinery/json.ts";
import { isCustom } from "./custom-kinds.ts";
import { bucketOf, type Kind } from "./kinds.ts";
import { compileLabelSelector } from "./label-selector.ts";
import { badRequest } from "./status.ts";

export type Predicate = (object: ApiObject) => boolean;

export function labelPredicate(selector: string | undefined): Predicate | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  const fits = compileLabelSelector(selector);
  return ({ metadata }) => fits(metadata.labels ?? {});
}

interface FieldTerm {
  readonly path: string;
  readonly value: string;
  readonly isEqual: boolean;
}

function fieldTerms(selector: string): readonly FieldTerm[] {
  return selector.split(",").map((term) => {
    const match = /^\s*([\w./-]+?)\s*(==|=|!=)(.*?)\s*$/.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    const [, path = "", operator, value = ""] = match;
    return { path, value: value.trim(), isEqual: operator !== "!=" };
  });
}

/** Compiles `metadata.name=x,status.phase!=y`: any field by its path. */
export function fieldPredicate(selector: string | undefined): Predicate | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  const tests = fieldTerms(selector).map(({ path, value, isEqual }) => {
    const parts = path.split(".");
    return (object: ApiObject): boolean => (String(read(object as Json, parts) ?? "") === value) === isEqual;
  });
  return (object) => tests.every((test) => test(object));
}

function read(value: Json | undefined, parts: readonly string[]): Json | undefined {
  let current = value;
  for (const part of parts) {
    if (!isObject(current)) return undefined;
    current = current[part];
  }
  return current;
}

/** Fields beside the name by which objects can be selected. Source: the field selectors that Kubernetes supports. */
const selectable: Readonly<Record<string, readonly string[]>> = {
  "/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  "/events": [
    ..."kind namespace name uid apiVersion resourceVersion fieldPath"
      .split(" ")
      .map((name) => `involvedObject.${name}`),
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "/secrets": ["type"],
  "/namespaces": ["status.phase"],
  "/nodes": ["spec.unschedulable"],
  "/services": ["spec.clusterIP", "spec.type"],
  "apps/replicasets": ["status.replicas"],
  "batch/jobs": ["status.successful"],
  "certificates.k8s.io/certificatesigningrequests": ["spec.signerName"],
};

/** Fails with BadRequest when objects of the kind cannot be selected by a field. */
export function checkFieldSelector(kind: Kind, selector: string | undefined): void {
  if (selector === undefined || selector.trim() === "") return;
  const more = isCustom(kind) ? kind.selectableFields : selectable[bucketOf(kind)];
  const names = kind.namespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"];
  for (const { path } of fieldTerms(selector)) {
    if (names.includes(path) || path === "metadata.namespace" || more?.includes(path)) continue;
    throw badRequest(
      more === undefined
        ? `"${path}" is not a known field selector: only ${[...names, ...(more ?? [])].map((name) => `"${name}"`).join(", ")}`
        : `field label not supported: ${path}`,
    );
  }
}

export function both(a: Predicate | undefined, b: Predicate | undefined): Predicate | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : (object) => a(object) && b(object);
}
