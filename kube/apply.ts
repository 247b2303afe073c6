import { isDeepStrictEqual } from "node:util";
import type { KubeObject, ObjectReference } from "#api/kinds/object.ts";
import type { Problem } from "#api/problem.ts";
import type { KubeClient, ObjectKey } from "./client.ts";
import { whenServed } from "./definitions.ts";
import type { Discovery } from "./discovery.ts";
import type { ManifestObject } from "./manifest.ts";
import { type ResourceType, resources } from "./resource.ts";
import { isNotFound, KubeError } from "./status-error.ts";
import { whenGone } from "./wait.ts";

export interface ApplyContext {
  readonly client: KubeClient;
  readonly discovery: Discovery;
  readonly fieldManager: string;
  readonly signal?: AbortSignal;
}

export type AppliedAction = "created" | "changed" | "unchanged";

export interface AppliedObject {
  readonly object: ObjectReference;
  readonly action: AppliedAction;
}

export interface ApplyOutcome {
  readonly applied: readonly AppliedObject[];
  /** With line and field of the manifest. Nothing after the first object with an error was applied. */
  readonly problems: readonly Problem[];
}

const DELETE_MS = 60_000;
/** Namespace that an object without one goes to, as kubectl does. */
const DEFAULT_NAMESPACE = "default";

/**
 * Applies a manifest from top to bottom, but namespaces and definitions first, since others need them. A problem stops it there;
 * a dry run tries every object and changes nothing.
 */
export async function applyManifest(
  objects: readonly ManifestObject[],
  context: ApplyContext & { readonly dryRun?: boolean },
): Promise<ApplyOutcome> {
  const applied: AppliedObject[] = [];
  const problems: Problem[] = [];
  const ordered = objects.toSorted((a, b) => rank(a.object) - rank(b.object));
  const namespaces = new Set(
    objects.filter(({ object }) => object.kind === "Namespace").map(({ object }) => object.metadata.name),
  );
  for (const item of ordered) {
    context.signal?.throwIfAborted();
    try {
      applied.push(await applyOne(item, { ...context, namespaces }));
    } catch (error) {
      problems.push(...problemsOf(item, error));
      if (!context.dryRun) break;
    }
  }
  return { applied, problems };
}

/**
 * Deletes the objects of a manifest, last first, and waits until they are gone: what is being terminated keeps its name taken.
 * Those that are gone already, and kinds that do not exist, are no error. Throws TIMEOUT after a minute.
 */
export async function deleteManifest(
  objects: readonly ManifestObject[],
  { client, discovery, signal }: ApplyContext,
): Promise<void> {
  const deleted: (readonly [ResourceType, ObjectKey])[] = [];
  for (const { object } of objects.toSorted((a, b) => rank(b.object) - rank(a.object))) {
    const type = await discovery.find(object.apiVersion, object.kind);
    if (type === undefined) continue;
    const { namespace, name = "" } = withNamespace(object, type).metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    const options = { propagationPolicy: "Background", ...(signal === undefined ? {} : { signal }) };
    if (await client.delete(type, key, options)) deleted.push([type, key]);
  }
  const limit = AbortSignal.timeout(DELETE_MS);
  for (const [type, key] of deleted)
    await whenGone(client, { type, key, signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
}

/** The live version of an object, if there is one. */
export async function findLive(
  object: Pick<ObjectReference, "apiVersion" | "kind" | "name" | "namespace">,
  { client, discovery }: Pick<ApplyContext, "client" | "discovery">,
): Promise<KubeObject | undefined> {
  const type = await discovery.find(object.apiVersion, object.kind);
  if (type === undefined) return undefined;
  const namespace = type.namespaced ? (object.namespace ?? DEFAULT_NAMESPACE) : undefined;
  return client.get(type, { name: object.name, ...(namespace === undefined ? {} : { namespace }) });
}

async function applyOne(
  item: ManifestObject,
  context: ApplyContext & { readonly dryRun?: boolean; readonly namespaces: ReadonlySet<string | undefined> },
): Promise<AppliedObject> {
  const { client, discovery, fieldManager, dryRun = false } = context;
  const type = await discovery.find(item.object.apiVersion, item.object.kind);
  if (type === undefined) throw new UnknownKind(item.object);
  const object = withNamespace(item.object, type);
  const { namespace, name = "" } = object.metadata;
  const before = await client.get(type, { name, ...(namespace === undefined ? {} : { namespace }) });
  const reference = referenceOf(object);
  // What goes into a namespace that this very manifest makes cannot be tried before it is there.
  if (
    dryRun &&
    namespace !== undefined &&
    context.namespaces.has(namespace) &&
    (await client.get(resources.namespaces, { name: namespace })) === undefined
  ) {
    return { object: reference, action: "created" };
  }
  const options = {
    fieldManager,
    force: true,
    fieldValidation: "Strict",
    dryRun,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  } as const;
  const after = await client.apply(type, object, options);
  if (!dryRun && object.kind === "CustomResourceDefinition") await whenServed(client, [object], context.signal);
  return {
    object: reference,
    action: before === undefined ? "created" : sameMeaning(before, after) ? "unchanged" : "changed",
  };
}

class UnknownKind extends Error {
  constructor({ apiVersion, kind }: KubeObject) {
    super(`the cluster has no kind ${kind} in ${apiVersion}`);
  }
}

/** Whether an apply changed anything but its own bookkeeping. */
function sameMeaning(before: KubeObject, after: KubeObject): boolean {
  const strip = ({
    metadata: { managedFields: _, resourceVersion: _v, generation: _g, ...metadata },
    ...rest
  }: KubeObject): unknown => ({ ...rest, metadata });
  return isDeepStrictEqual(strip(before), strip(after));
}

function withNamespace(object: KubeObject, type: ResourceType): KubeObject {
  if (!type.namespaced || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: DEFAULT_NAMESPACE } };
}

function referenceOf({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name = "" } = metadata;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

const rank = ({ kind }: KubeObject): number => (kind === "Namespace" ? 0 : kind === "CustomResourceDefinition" ? 1 : 2);

/** A refusal as problems at the lines of the manifest. */
function problemsOf({ object, locate }: ManifestObject, error: unknown): readonly Problem[] {
  const name = `${object.kind} ${object.metadata.name}`;
  const rejected = { severity: "error", code: "MANIFEST_REJECTED" } as const;
  if (error instanceof UnknownKind)
    return [{ ...rejected, code: "MANIFEST_SCHEMA", message: error.message, field: "kind", ...locate("kind") }];
  if (!(error instanceof KubeError)) throw error;
  if (isNotFound(error))
    return [
      {
        ...rejected,
        message: `${name}: ${error.message}`,
        field: "metadata.namespace",
        ...locate("metadata.namespace"),
      },
    ];
  const fromCauses = error.causes
    .filter((cause) => cause.field !== undefined && cause.field !== "")
    .map(
      (cause): Problem => ({
        ...rejected,
        message: cause.message ?? error.message,
        field: cause.field!,
        ...locate(cause.field!),
      }),
    );
  if (fromCauses.length > 0) return fromCauses;
  const unknown = unusableFields(error.message).map(
    ({ what, field }): Problem => ({
      ...rejected,
      code: "MANIFEST_SCHEMA",
      message: `${what} field "${field}"`,
      field,
      ...locate(field),
    }),
  );
  if (unknown.length > 0) return unknown;
  const [, field = ""] = /(?:^|[\s:])((?:spec|metadata)(?:\.[\w-]+|\[\d+\])+)/.exec(error.message) ?? [];
  return [{ ...rejected, message: error.message, ...(field === "" ? {} : { field }), ...locate(field) }];
}

/** The fields that strict decoding and the typed patches of server-side apply name in a message of the API server. */
function unusableFields(message: string): readonly { readonly what: string; readonly field: string }[] {
  const [, undeclared] = / \.(\S+): field not declared in schema$/.exec(message) ?? [];
  if (undeclared !== undefined) return [{ what: "unknown", field: undeclared }];
  return [...message.matchAll(/(unknown|duplicate) field "([^"]+)"/g)].map(([, what = "", field = ""]) => ({
    what,
    field,
  }));
}
