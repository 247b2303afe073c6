import jsonPatchLibrary, { type Operation } from "fast-json-patch";
import { equalJson, isObject, type Json, type JsonObject } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import { anything, fieldShape, type Shape } from "./fields/shape.ts";
import { badRequest } from "./status.ts";

const rejected = (): StatusError =>
  new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** A patch that copies what it copied before would double it with every operation. */
const MAX_COPIED = 3 * 1024 * 1024;

/** RFC 6902. */
export function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch))
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  try {
    let document = structuredClone(target);
    let copied = 0;
    for (const operation of patch as Operation[]) {
      if (operation.op === "copy") {
        copied += JSON.stringify(jsonPatchLibrary.getValueByPointer(document, operation.from) ?? null).length;
        if (copied > MAX_COPIED) throw rejected();
      }
      document = jsonPatchLibrary.applyOperation(document, operation, true, true).newDocument;
    }
    return document;
  } catch {
    throw rejected();
  }
}

/** RFC 7386. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

const ORDER = "$setElementOrder/";
const DELETE = "$deleteFromPrimitiveList/";

/** Kubernetes' strategic merge: like RFC 7386, but lists with keys are merged by them, and directives delete or replace. */
export function strategicMergePatch(target: Json | undefined, patch: Json, shape: Shape): Json {
  if (!isObject(patch)) return patch;
  if (patch.$patch === "replace") {
    const { $patch: _, ...rest } = patch;
    return rest;
  }
  if (patch.$patch !== undefined && patch.$patch !== "delete" && patch.$patch !== "merge")
    throw new StatusError(500, "", `unknown patch type: ${String(patch.$patch)} in map: ${goMap(patch)}`);
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name === "$patch" || name.startsWith(ORDER) || name === "$retainKeys") continue;
    if (name.startsWith(DELETE)) {
      const [field, gone] = [name.slice(DELETE.length), value];
      const current = result[field];
      if (Array.isArray(current) && Array.isArray(gone))
        result[field] = current.filter((item) => !gone.some((other) => equalJson(item, other)));
    } else if (value === null || value === undefined || (isObject(value) && value.$patch === "delete"))
      delete result[name];
    else {
      const inner = fieldShape(shape, name) ?? anything;
      if (!Array.isArray(value)) result[name] = strategicMergePatch(result[name], value, inner);
      else {
        const order = patch[ORDER + name];
        result[name] = mergeList(result[name], value, { shape: inner, order: Array.isArray(order) ? order : [] });
      }
    }
  }
  for (const [name, order] of Object.entries(patch)) {
    const field = name.startsWith(ORDER) ? name.slice(ORDER.length) : undefined;
    if (field === undefined || patch[field] !== undefined || !Array.isArray(order)) continue;
    const inner = fieldShape(shape, field) ?? anything;
    if (Array.isArray(result[field])) result[field] = mergeList(result[field], [], { shape: inner, order });
  }
  const retain = patch.$retainKeys;
  if (Array.isArray(retain)) for (const name of Object.keys(result)) if (!retain.includes(name)) delete result[name];
  return result;
}

function mergeList(
  before: Json | undefined,
  patch: readonly Json[],
  { shape, order }: { readonly shape: Shape; readonly order: readonly Json[] },
): Json {
  const current = Array.isArray(before) ? before : [];
  const replaces = patch.some((item) => isObject(item) && item.$patch === "replace");
  if (replaces) return patch.filter((item) => !(isObject(item) && item.$patch === "replace"));
  if (shape.kind !== "list" || shape.patchKey === undefined) return [...patch];
  if (shape.patchKey === "") return inOrder([...new Set([...current, ...patch])], current, { order: patch, key: "" });
  const key = shape.patchKey;
  const result = [...current];
  for (const item of patch) {
    if (isObject(item) && item[key] === undefined)
      throw new StatusError(500, "", `map: ${goMap(item)} does not contain declared merge key: ${key}`);
    const index = result.findIndex((other) => keyOf(other, key) === keyOf(item, key));
    if (isObject(item) && item.$patch === "delete") {
      if (index !== -1) result.splice(index, 1);
    } else if (index === -1) result.push(strategicMergePatch({}, item, shape.item));
    else result[index] = strategicMergePatch(result[index], item, shape.item);
  }
  // Without an order of its own, what the patch names comes in the patch's order.
  return inOrder(result, current, { order: order.length === 0 ? patch : order, key });
}

const keyOf = (item: Json | undefined, key: string): Json | undefined => (isObject(item) ? item[key] : item);

/** Items that the patch's author knows in his order; those that only the server knows stay before what they stood before. */
function inOrder(
  items: readonly Json[],
  before: readonly Json[],
  { order, key }: { readonly order: readonly Json[]; readonly key: string },
): Json[] {
  const place = (list: readonly Json[], item: Json): number =>
    list.findIndex((other) => keyOf(other, key) === keyOf(item, key));
  const known = items.filter((item) => place(order, item) !== -1).toSorted((a, b) => place(order, a) - place(order, b));
  const foreign = items.filter((item) => place(order, item) === -1);
  const result: Json[] = [];
  while (known.length > 0 || foreign.length > 0) {
    const [next, other] = [known[0], foreign[0]];
    const at = next === undefined ? Number.POSITIVE_INFINITY : place(before, next);
    const takesForeign = other !== undefined && (next === undefined || (at !== -1 && place(before, other) < at));
    const item = takesForeign ? foreign.shift() : known.shift();
    if (item !== undefined) result.push(item);
  }
  return result;
}

/** A map as Go prints it, which is how Kubernetes names what it refuses. */
const goMap = (value: JsonObject): string =>
  `map[${Object.keys(value)
    .sort()
    .map((name) => `${name}:${isObject(value[name]) ? goMap(value[name]) : String(value[name])}`)
    .join(" ")}]`;
