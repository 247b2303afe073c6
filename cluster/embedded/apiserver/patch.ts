import jsonPatchLibrary, { type Operation } from "fast-json-patch";
import { StatusError } from "../machinery/resources.ts";
import { itemKey, mergeKeyOf } from "./list-keys.ts";
import { badRequest } from "./status.ts";

type Value = unknown;
type Fields = Record<string, Value>;
const isFields = (value: Value): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** RFC 6902. */
export function jsonPatch(target: Value, patch: Value): Value {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch must be a list of operations");
  try {
    return jsonPatchLibrary.applyPatch(structuredClone(target), patch as Operation[], true, false).newDocument;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new StatusError(422, "Invalid", `the server rejected our request due to an error in our request: ${message}`);
  }
}

/** RFC 7386. */
export function mergePatch(target: Value, patch: Value): Value {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** Kubernetes' strategic merge: like RFC 7386, but lists with keys are merged by them, and directives delete or replace. */
export function strategicMergePatch(target: Value, patch: Value): Value {
  if (!isFields(patch)) return patch;
  if (patch.$patch === "replace") {
    const { $patch: _, ...rest } = patch;
    return rest;
  }
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name === "$patch" || name.startsWith("$setElementOrder/") || name === "$retainKeys") continue;
    if (name.startsWith("$deleteFromPrimitiveList/")) {
      const field = name.slice("$deleteFromPrimitiveList/".length);
      const gone = new Set(value as readonly Value[]);
      result[field] = ((result[field] ?? []) as readonly Value[]).filter((item) => !gone.has(item));
    } else if (value === null) delete result[name];
    else if (isFields(value) && value.$patch === "delete") delete result[name];
    else if (Array.isArray(value)) result[name] = mergeList(name, result[name], value);
    else result[name] = strategicMergePatch(result[name], value);
  }
  const retain = patch.$retainKeys;
  if (Array.isArray(retain)) for (const name of Object.keys(result)) if (!retain.includes(name)) delete result[name];
  return result;
}

function mergeList(field: string, before: Value, patch: readonly Value[]): Value {
  const current = Array.isArray(before) ? before : [];
  const replaces = patch.some((item) => isFields(item) && item.$patch === "replace");
  if (replaces) return patch.filter((item) => !(isFields(item) && item.$patch === "replace"));
  const keys = mergeKeyOf(field, [...patch, ...current]);
  if (keys === undefined) return isPrimitiveSet(field) ? [...new Set([...current, ...patch])] : patch;
  const result = [...current];
  for (const item of patch) {
    const index = result.findIndex((other) => itemKey(other, keys) === itemKey(item, keys));
    if (isFields(item) && item.$patch === "delete") {
      if (index !== -1) result.splice(index, 1);
    } else if (index === -1) result.push(strategicMergePatch({}, item));
    else result[index] = strategicMergePatch(result[index], item);
  }
  return result;
}

/** Lists of plain values that are sets. */
const isPrimitiveSet = (field: string): boolean => field === "finalizers";
