import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, cloneJson, equalJson, isObject, type Json } from "../machinery/json.ts";
import type { Kind } from "./kinds.ts";
import { type FieldProblem, invalid } from "./status.ts";

const FIELD = "spec.ephemeralContainers";

/**
 * The pod as it is, with the ephemeral containers that are asked for. They can only be added. Source: "Ephemeral Containers" in the
 * Kubernetes documentation. Throws Invalid.
 */
export function withEphemeralContainers(kind: Kind, current: ApiObject, wanted: ApiObject): ApiObject {
  const before = asArray(asObject(current.spec).ephemeralContainers);
  const after = asArray(asObject(wanted.spec).ephemeralContainers);
  const problems = [...changed(before, after), ...wrongNames(current, after)];
  if (problems.length > 0) throw invalid(kind, current.metadata.name ?? "", problems);
  const next = cloneJson(current);
  if (isObject(next.spec)) next.spec.ephemeralContainers = cloneJson(after);
  return next;
}

function changed(before: readonly Json[], after: readonly Json[]): readonly FieldProblem[] {
  const kept = before.every((container) => after.some((other) => sameFields(container, other)));
  if (kept) return [];
  return [
    {
      field: FIELD,
      message: "Forbidden: existing ephemeral containers may not be removed or changed",
      reason: "FieldValueForbidden",
    },
  ];
}

/** A client may leave out what was filled in for it. */
function sameFields(stored: Json, sent: Json): boolean {
  return Object.entries(asObject(sent)).every(([name, value]) => equalJson(asObject(stored)[name], value));
}

function wrongNames(pod: ApiObject, containers: readonly Json[]): readonly FieldProblem[] {
  const spec = asObject(pod.spec);
  const taken = new Set(
    [...asArray(spec.containers), ...asArray(spec.initContainers)].map((one) => asObject(one).name),
  );
  const problems: FieldProblem[] = [];
  for (const [index, { name, image }] of containers.map(asObject).entries()) {
    const at = `${FIELD}[${index}]`;
    if (typeof name !== "string" || name === "")
      problems.push({ field: `${at}.name`, message: "Required value", reason: "FieldValueRequired" });
    else if (taken.has(name)) {
      const message = `Duplicate value: ${JSON.stringify(name)}`;
      problems.push({ field: `${at}.name`, message, reason: "FieldValueDuplicate" });
    }
    if (typeof image !== "string" || image === "")
      problems.push({ field: `${at}.image`, message: "Required value", reason: "FieldValueRequired" });
    taken.add(name);
  }
  return problems;
}
