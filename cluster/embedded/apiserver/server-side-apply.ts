import { isDeepStrictEqual } from "node:util";
import type { ApiObject, ManagedFieldsEntry } from "../machinery/api-object.ts";
import type { JsonObject } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import { itemKey, listKeys } from "./list-keys.ts";

type Value = unknown;
type Fields = Record<string, Value>;
/** fieldsV1: `f:name` for fields, `k:{…}` for items of keyed lists, `.` for the thing itself. */
type FieldSet = { [path: string]: FieldSet };

const isFields = (value: Value): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);
/** Fields that say who an object is; nobody owns them. */
const identity = new Set(["apiVersion", "kind"]);
const identityMeta = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "managedFields",
  "generateName",
]);

export interface ApplyRequest {
  readonly manager: string;
  readonly force: boolean;
  readonly time: string;
  readonly subresource?: string;
}

/**
 * Server-side apply: what the configuration says is set, what this manager said before and says no more is removed unless
 * another manager said it too, and a different opinion of another manager is a conflict. Source: KEP-555.
 */
export function serverSideApply(live: ApiObject | undefined, applied: ApiObject, request: ApplyRequest): ApiObject {
  const entries = live?.metadata.managedFields ?? [];
  const isOwn = (entry: ManagedFieldsEntry): boolean =>
    entry.manager === request.manager &&
    entry.operation === "Apply" &&
    (entry.subresource ?? "") === (request.subresource ?? "");
  const others = entries.filter((entry) => !isOwn(entry));
  const before = (entries.find(isOwn)?.fieldsV1 ?? {}) as FieldSet;
  const now = fieldSetOf(withoutIdentity(applied), "");
  if (live !== undefined && !request.force) refuseConflicts(live, applied, { now, others });
  let result = merge(live ?? {}, applied, "") as Fields;
  const foreign = others.map((entry) => (entry.fieldsV1 ?? {}) as FieldSet);
  result = removeFields(result, difference(before, now), foreign, "") as Fields;
  // Who says the same keeps their say; a field that was changed is theirs no more.
  const taken = live === undefined ? {} : changedFields(now, live, applied);
  const kept = others
    .map((entry) => ({ ...entry, fieldsV1: difference((entry.fieldsV1 ?? {}) as FieldSet, taken) as JsonObject }))
    .filter((entry) => Object.keys(entry.fieldsV1).length > 0);
  const same = entries.find(isOwn);
  const unchanged = same !== undefined && isDeepStrictEqual(same.fieldsV1, now);
  const own: ManagedFieldsEntry = {
    manager: request.manager,
    operation: "Apply",
    apiVersion: applied.apiVersion,
    time: unchanged ? (same.time ?? request.time) : request.time,
    fieldsType: "FieldsV1",
    fieldsV1: now as JsonObject,
    ...(request.subresource === undefined ? {} : { subresource: request.subresource }),
  };
  const object = result as ApiObject;
  return { ...object, metadata: { ...object.metadata, managedFields: [...kept, own] } };
}

function withoutIdentity(object: ApiObject): Fields {
  const { metadata, ...rest } = object;
  const named = Object.fromEntries(Object.entries(metadata).filter(([name]) => !identityMeta.has(name)));
  const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => !identity.has(name)));
  return Object.keys(named).length === 0 ? fields : { ...fields, metadata: named };
}

function fieldSetOf(value: Value, field: string): FieldSet {
  if (isFields(value))
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [`f:${name}`, fieldSetOf(child, name)]));
  const keys = Array.isArray(value) ? listKeys(field, value) : undefined;
  if (!Array.isArray(value) || keys === undefined) return {};
  return Object.fromEntries(value.map((item) => [keyPath(item, keys), { ".": {}, ...fieldSetOf(item, field) }]));
}

function keyPath(item: Value, keys: readonly string[]): string {
  const object = item as Fields;
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, object[key] ?? (key === "protocol" ? "TCP" : null)])))}`;
}

function merge(live: Value, applied: Value, field: string): Value {
  if (isFields(applied)) {
    const result: Fields = isFields(live) ? { ...live } : {};
    for (const [name, value] of Object.entries(applied)) {
      if (field === "" && name === "status") continue;
      if (value === null) delete result[name];
      else result[name] = merge(result[name], value, name);
    }
    return result;
  }
  if (!Array.isArray(applied)) return applied;
  const keys = listKeys(field, applied);
  if (keys === undefined || !Array.isArray(live) || listKeys(field, live) === undefined) return applied;
  const result = [...(live as readonly Value[])];
  for (const item of applied) {
    const index = result.findIndex((other) => itemKey(other, keys) === itemKey(item, keys));
    if (index === -1) result.push(item);
    else result[index] = merge(result[index], item, "item");
  }
  return result;
}

/** Paths of a that are not in b; a leaf of a that b goes deeper into is not different. */
function difference(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [path, below] of Object.entries(a)) {
    const other = b[path];
    if (other === undefined) result[path] = below;
    else {
      const deeper = difference(below, other);
      if (Object.keys(deeper).length > 0) result[path] = deeper;
    }
  }
  return result;
}

function removeFields(value: Value, gone: FieldSet, foreign: readonly FieldSet[], field: string): Value {
  if (Object.keys(gone).length === 0) return value;
  const below = (path: string): readonly FieldSet[] =>
    foreign.map((set) => set[path]).filter((set) => set !== undefined);
  if (Array.isArray(value)) {
    const keys = listKeys(field, value);
    if (keys === undefined) return value;
    return value.flatMap((item) => {
      const path = keyPath(item, keys);
      const part = gone[path];
      if (part === undefined) return [item];
      const claimed = below(path);
      return "." in part && claimed.length === 0 ? [] : [removeFields(item, withoutSelf(part), claimed, "item")];
    });
  }
  if (!isFields(value)) return value;
  const result = { ...value };
  for (const [path, part] of Object.entries(gone)) {
    const name = path.slice(2);
    if (!path.startsWith("f:") || !(name in result)) continue;
    const claimed = below(path);
    const isLeaf = Object.keys(part).length === 0;
    if (isLeaf) {
      if (claimed.length === 0) delete result[name];
      continue;
    }
    const left = removeFields(result[name], part, claimed, name);
    if (isEmpty(left) && claimed.length === 0) delete result[name];
    else result[name] = left;
  }
  return result;
}

const withoutSelf = (set: FieldSet): FieldSet =>
  Object.fromEntries(Object.entries(set).filter(([path]) => path !== "."));
const isEmpty = (value: Value): boolean =>
  Array.isArray(value) ? value.length === 0 : isFields(value) && Object.keys(value).length === 0;

/** The part of a set of fields whose values are different in the two objects. */
function changedFields(set: FieldSet, live: Value, applied: Value): FieldSet {
  const result: FieldSet = {};
  for (const [path, below] of Object.entries(set)) {
    if (path === ".") continue;
    const [before, after] = [valueAt(live, [path]), valueAt(applied, [path])];
    if (Object.keys(below).length === 0) {
      if (!isDeepStrictEqual(before, after)) result[path] = {};
      continue;
    }
    const deeper = changedFields(below, before, after);
    if (Object.keys(deeper).length > 0) result[path] = deeper;
  }
  return result;
}

function refuseConflicts(
  live: ApiObject,
  applied: ApiObject,
  { now, others }: { readonly now: FieldSet; readonly others: readonly ManagedFieldsEntry[] },
): void {
  const causes: { reason: string; message: string; field: string }[] = [];
  for (const entry of others) {
    for (const path of commonLeaves(now, (entry.fieldsV1 ?? {}) as FieldSet)) {
      if (isDeepStrictEqual(valueAt(live, path), valueAt(applied, path))) continue;
      causes.push({
        reason: "FieldManagerConflict",
        message: `conflict with ${JSON.stringify(entry.manager)}`,
        field: `.${path.map((part) => part.replace(/^f:/, "")).join(".")}`,
      });
    }
  }
  if (causes.length === 0) return;
  const plural = causes.length === 1 ? "1 conflict" : `${causes.length} conflicts`;
  throw new StatusError(
    409,
    "Conflict",
    `Apply failed with ${plural}: ${causes.map(({ message, field }) => `${message}: ${field}`).join("\n")}`,
    { causes },
  );
}

function commonLeaves(a: FieldSet, b: FieldSet, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(a).flatMap(([name, below]) => {
    const other = b[name];
    if (other === undefined || name === ".") return [];
    return Object.keys(below).length === 0 || Object.keys(other).length === 0
      ? [[...path, name]]
      : commonLeaves(below, other, [...path, name]);
  });
}

function valueAt(object: Value, path: readonly string[]): Value {
  let current = object;
  for (const part of path) {
    if (part.startsWith("f:")) current = isFields(current) ? current[part.slice(2)] : undefined;
    else if (part.startsWith("k:")) {
      const wanted = JSON.parse(part.slice(2)) as Fields;
      current = Array.isArray(current)
        ? current.find((item) => itemKey(item, Object.keys(wanted)) === itemKey(wanted, Object.keys(wanted)))
        : undefined;
    }
  }
  return current;
}
