import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "../../machinery/api-object.ts";
import { equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";
import { type Changes, changesBetween, fieldsOf } from "./changes.ts";
import { FieldSet } from "./field-set.ts";
import { type Manager, readManagers, withoutIdentity, writeManagers } from "./managers.ts";
import { pathText } from "./path-text.ts";
import { anything, fieldShape, isWhole, itemPath, type Shape, type StructShape } from "./shape.ts";
import { checkTyped } from "./typed.ts";

export interface ApplyRequest {
  readonly manager: string;
  readonly force: boolean;
  readonly time: string;
  readonly shape: StructShape;
  readonly subresource?: string;
}

/**
 * Server-side apply: what the configuration says is set, what this manager said before and says no more is removed unless
 * another manager said it too, and a different opinion of another manager is a conflict. Source: KEP-555.
 */
export function serverSideApply(live: ApiObject | undefined, applied: ApiObject, request: ApplyRequest): ApiObject {
  const { shape, subresource = "" } = request;
  const configuration = relevant(applied, subresource);
  checkTyped(configuration, shape);
  const before = live === undefined ? undefined : (live as Json);
  const managers = readManagers(live?.metadata.managedFields);
  const isOwn = (manager: Manager): boolean =>
    manager.name === request.manager && manager.operation === "Apply" && manager.subresource === subresource;
  const own = managers.find(isOwn);
  const others = managers.filter((manager) => manager !== own);
  const said = withoutIdentity(fieldsOf(configuration, shape));
  const merged = merge(before, configuration, shape);
  const dropped = (own?.fields ?? new FieldSet()).minus(said);
  const claims = [said, ...others.map(({ fields }) => fields)];
  const result = remove(merged, { gone: dropped, claims, shape }) as ApiObject;
  const changes = changesBetween(before, result as Json, shape);
  if (live !== undefined) takeOver(others, changes, request.force);
  const unchanged = own !== undefined && isDeepStrictEqual(own.fields.encode(), said.encode());
  const applier: Manager = {
    name: request.manager,
    operation: "Apply",
    apiVersion: applied.apiVersion,
    subresource,
    time: unchanged ? own.time : request.time,
    fields: said,
  };
  return { ...result, metadata: { ...result.metadata, managedFields: writeManagers([...others, applier]) } };
}

/** A status is only applied as one, and nothing else with it. */
function relevant(applied: ApiObject, subresource: string): JsonObject {
  const { status, ...rest } = applied;
  if (subresource !== "status") return rest as JsonObject;
  const { apiVersion, kind, metadata } = applied;
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    ...(status === undefined ? {} : { status }),
  } as JsonObject;
}

function merge(live: Json | undefined, applied: Json, shape: Shape): Json {
  if (isWhole(shape, applied) || live === undefined || live === null) return withoutNulls(applied);
  if (shape.kind === "list") {
    if (!Array.isArray(applied) || !Array.isArray(live)) return applied;
    const result = [...live];
    for (const item of applied) {
      const path = itemPath(item, shape);
      const index = result.findIndex((other) => itemPath(other, shape) === path);
      if (index === -1) result.push(withoutNulls(item));
      else result[index] = merge(result[index], item, shape.item);
    }
    return result;
  }
  if (!isObject(applied) || !isObject(live)) return applied;
  const result: JsonObject = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = merge(result[name], value, fieldShape(shape, name) ?? anything);
  }
  return result;
}

function withoutNulls(value: Json): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      member === null || member === undefined ? [] : [[name, withoutNulls(member)]],
    ),
  );
}

interface Removal {
  readonly gone: FieldSet;
  /** What anybody still manages. */
  readonly claims: readonly FieldSet[];
  readonly shape: Shape;
}

function remove(value: Json, { gone, claims, shape }: Removal): Json {
  if (gone.children.size === 0) return value;
  const inner = (element: string, below: Shape): Removal => ({
    gone: gone.children.get(element) ?? new FieldSet(),
    claims: claims.flatMap((claim) => claim.children.get(element) ?? []),
    shape: below,
  });
  if (Array.isArray(value)) {
    if (shape.kind !== "list") return value;
    return value.flatMap((item) => {
      const next = inner(itemPath(item, shape), shape.item);
      if (next.gone.member && next.claims.length === 0) return [];
      return [remove(item, next)];
    });
  }
  if (!isObject(value)) return value;
  const result = { ...value };
  for (const element of gone.children.keys()) {
    const name = element.slice(2);
    const member = result[name];
    if (member === undefined) continue;
    const next = inner(element, fieldShape(shape, name) ?? anything);
    if (next.gone.member && next.claims.length === 0) {
      delete result[name];
      continue;
    }
    const left = remove(member, next);
    const isEmpty = Array.isArray(left) ? left.length === 0 : isObject(left) && Object.keys(left).length === 0;
    if (isEmpty && !equalJson(left, member) && next.claims.length === 0) delete result[name];
    else result[name] = left;
  }
  return result;
}

/** What the others manage and is changed now: a conflict, or by force not theirs any more. Changes the others. */
function takeOver(others: readonly Manager[], { added, modified, removed }: Changes, force: boolean): void {
  const changed = withoutIdentity(added.union(modified));
  const conflicts = others.flatMap((manager) => {
    const disputed = manager.fields.and(changed);
    return disputed.isEmpty ? [] : [{ manager, disputed }];
  });
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  for (const { manager, disputed } of conflicts) manager.fields = manager.fields.minus(disputed);
  for (const manager of others) manager.fields = manager.fields.minus(removed);
}

function conflictError(conflicts: readonly { readonly manager: Manager; readonly disputed: FieldSet }[]): StatusError {
  const sorted = conflicts.map(({ manager, disputed }) => ({
    who: nameOf(manager),
    fields: [...disputed.paths()].map(pathText),
  }));
  const count = sorted.reduce((sum, { fields }) => sum + fields.length, 0);
  const lines = sorted.map(({ who, fields }) =>
    fields.length === 1
      ? `conflict with ${who}: ${fields[0]}`
      : `conflicts with ${who}:\n${fields.map((field) => `- ${field}`).join("\n")}`,
  );
  const causes = sorted.flatMap(({ who, fields }) =>
    fields.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field })),
  );
  const message = `Apply failed with ${count} conflict${count === 1 ? "" : "s"}: ${lines.join("\n")}`;
  return new StatusError(409, "Conflict", message, { causes });
}

function nameOf({ name, operation, apiVersion, subresource }: Manager): string {
  const part = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${part}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}
