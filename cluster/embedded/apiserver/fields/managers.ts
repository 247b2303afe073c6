import type { ApiObject, ManagedFieldsEntry } from "../../machinery/api-object.ts";
import { isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { changesBetween } from "./changes.ts";
import { FieldSet } from "./field-set.ts";
import type { StructShape } from "./shape.ts";

/** Who manages which fields. */
export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  fields: FieldSet;
}

export interface Author {
  readonly manager: string;
  readonly time: string;
  readonly apiVersion: string;
  readonly subresource?: string;
}

const identity = [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "clusterName",
  "generation",
  "managedFields",
  "resourceVersion",
];

/** The set without what says who an object is: nobody manages that. Changes the set. */
export function withoutIdentity(set: FieldSet): FieldSet {
  set.children.delete("f:apiVersion");
  set.children.delete("f:kind");
  const metadata = set.children.get("f:metadata");
  if (metadata === undefined) return set;
  metadata.member = false;
  for (const name of identity) metadata.children.delete(`f:${name}`);
  if (metadata.isEmpty) set.children.delete("f:metadata");
  return set;
}

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? []).map((entry) => ({
    name: entry.manager ?? "",
    operation: entry.operation === "Apply" ? "Apply" : "Update",
    apiVersion: entry.apiVersion ?? "",
    subresource: entry.subresource ?? "",
    time: entry.time ?? "",
    fields: FieldSet.decode(entry.fieldsV1),
  }));
}

/** In the order of Kubernetes: those who apply first, then by time and name. Managers of nothing are left out. */
export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return managers
    .filter(({ fields }) => !fields.isEmpty)
    .toSorted(
      (a, b) =>
        order(a.operation, b.operation) ||
        order(a.time, b.time) ||
        order(a.name, b.name) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    )
    .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: "FieldsV1",
      fieldsV1: fields.encode(),
      ...(subresource === "" ? {} : { subresource }),
    }));
}

/** Everybody gives up all managed fields by an empty entry: `managedFields: [{}]`. */
const isReset = (entries: readonly ManagedFieldsEntry[] | undefined): boolean =>
  entries?.length === 1 && isObject(entries[0]) && Object.keys(entries[0]).length === 0;

/**
 * The managed fields of an object after an update: its author manages what was added or changed, everybody else no more. `before`
 * is the stored object, or for a new one the zero value of its kind.
 */
export function managedAfterUpdate(
  states: { readonly before: ApiObject | JsonObject; readonly after: ApiObject; readonly isNew: boolean },
  shape: StructShape,
  author: Author,
): ManagedFieldsEntry[] {
  const { before, after, isNew } = states;
  const asked = after.metadata.managedFields;
  if (isReset(asked)) return [];
  const stored = isNew ? undefined : (before as ApiObject).metadata.managedFields;
  // What nobody ever managed stays so until somebody applies it: a reset is not undone by the next update.
  if (!isNew && (stored?.length ?? 0) === 0 && (asked?.length ?? 0) === 0) return [];
  const managers = readManagers((asked?.length ?? 0) > 0 && !isNew ? asked : stored);
  const { added, modified, removed } = changesBetween(before as Json, after as Json, shape);
  const changed = withoutIdentity(added.union(modified));
  const gone = withoutIdentity(removed);
  if (changed.isEmpty && gone.isEmpty) return writeManagers(managers);
  const isOwn = (manager: Manager): boolean =>
    manager.name === author.manager &&
    manager.operation === "Update" &&
    manager.apiVersion === author.apiVersion &&
    manager.subresource === (author.subresource ?? "");
  const own = managers.find(isOwn);
  for (const manager of managers) if (manager !== own) manager.fields = manager.fields.minus(changed).minus(gone);
  const others = managers.filter((manager) => manager !== own);
  return writeManagers([
    ...others,
    {
      name: author.manager,
      operation: "Update",
      apiVersion: author.apiVersion,
      subresource: author.subresource ?? "",
      time: author.time,
      fields: (own?.fields ?? new FieldSet()).minus(gone).union(changed),
    },
  ]);
}
