import { randomBytes, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, asString, cloneJson, isObject, type JsonObject } from "../machinery/json.ts";
import type { DeleteOptions } from "../machinery/resources.ts";
import { RevisionConflict, type Store } from "../store/store.ts";
import { allocateService, checkNodePorts } from "./allocate.ts";
import type { Catalog } from "./catalog.ts";
import { CustomChecks, completeCustom } from "./custom/custom-object.ts";
import { CustomViews } from "./custom/views.ts";
import { type CustomKind, isCustom } from "./custom-kinds.ts";
import { applyDefaults } from "./defaults/defaults.ts";
import { definitionWarnings } from "./definitions/definition-check.ts";
import { CLEANUP, type DefinitionKeeper, terminating } from "./definitions/keeper.ts";
import { withStoredVersions } from "./definitions/prepare.ts";
import { withEphemeralContainers } from "./ephemeral-containers.ts";
import { zeroOf } from "./fields/built-in-shapes.ts";
import { pruneUnknown } from "./fields/field-check.ts";
import { managedAfterUpdate } from "./fields/managers.ts";
import { Shapes } from "./fields/shapes.ts";
import { tidy } from "./fields/tidy.ts";
import { apiVersionOf, bucketOf, hasGeneration, type Kind } from "./kinds.ts";
import { keepImmutable, metadataProblems } from "./object-meta.ts";
import { admitPod } from "./pod-admission.ts";
import { prepareForCreate } from "./prepare-create.ts";
import { checkEscalation } from "./rbac-escalation.ts";
import { problemsOf } from "./rules/rules.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  createDuringTermination,
  type FieldProblem,
  failedPrecondition,
  forbidden,
  invalid,
  notFound,
} from "./status.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly subresource?: string;
  /** What unknown fields mean. */
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
  /** Members that stand twice in the body. */
  readonly duplicates?: readonly string[];
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
  readonly onWarning?: (text: string) => void;
  /** The options as the request said them, for webhooks. */
  readonly asked?: JsonObject;
  /** One of many objects that a request is about, none of which it names. */
  readonly isCollection?: boolean;
  /** Who manages what this write changes; undefined when the object says it already, as after server-side apply. */
  readonly manager?: string;
}

const DEFINITIONS = "apiextensions.k8s.io/customresourcedefinitions";
/** Tries of a write that lost against another one. */
const ATTEMPTS = 8;

/** The rules of every write: metadata, defaults, schema, admission, deletion; then the store. */
export class Registry {
  readonly store: Store;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #catalog: Catalog;
  readonly shapes = new Shapes();
  readonly #customChecks = new CustomChecks();
  readonly #views = new CustomViews();
  readonly #serviceCidr: string;
  readonly #now: () => string;
  #webhooks: Webhooks | undefined;
  #keeper: DefinitionKeeper | undefined;

  constructor(store: Store, catalog: Catalog, options: { readonly serviceCidr: string; readonly now: () => string }) {
    this.store = store;
    this.#catalog = catalog;
    this.#serviceCidr = options.serviceCidr;
    this.#now = options.now;
  }

  setWebhooks(webhooks: Webhooks): void {
    this.#webhooks = webhooks;
  }

  setDefinitionKeeper(keeper: DefinitionKeeper): void {
    this.#keeper = keeper;
  }

  /** A stored object in the version that was asked for; the versions of built-in kinds have the same fields. */
  present(kind: Kind, object: ApiObject): ApiObject {
    if (isCustom(kind)) return this.#views.shown(kind, object);
    const apiVersion = apiVersionOf(kind);
    return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
  }

  /** An object as it is stored: in one version of its kind. */
  stored(kind: Kind, object: ApiObject): ApiObject {
    return isCustom(kind) ? this.#views.stored(kind, object) : object;
  }

  get(kind: Kind, namespace: string | undefined, name: string): ApiObject | undefined {
    const object = this.store.get(keyOf(kind, namespace, name));
    return object === undefined ? undefined : this.present(kind, object);
  }

  async create(kind: Kind, body: ApiObject, options: WriteOptions = {}): Promise<ApiObject> {
    const object = cloneJson(body);
    this.#checkType(kind, object);
    const { metadata } = object;
    if (kind.namespaced && !metadata.namespace) throw badRequest("an empty namespace may not be set during creation");
    if (!kind.namespaced) delete metadata.namespace;
    if (!metadata.name) {
      if (!metadata.generateName)
        throw invalid(kind, "", [
          {
            field: "metadata.name",
            message: "Required value: name or generateName is required",
            reason: "FieldValueRequired",
          },
        ]);
      metadata.name = metadata.generateName + randomBytes(4).toString("hex").slice(0, 5);
    }
    if (kind.namespaced) this.#checkNamespace(metadata.namespace ?? "");
    metadata.uid = randomUUID();
    metadata.creationTimestamp = this.#now();
    if (hasGeneration(kind)) metadata.generation = 1;
    else delete metadata.generation;
    delete metadata.resourceVersion;
    delete metadata.deletionTimestamp;
    if (kind.subresources.includes("status")) delete object.status;
    this.#prepare(kind, object, options);
    this.#recordManager(kind, { before: undefined, after: object }, options);
    if (isCustom(kind) && kind.isTerminating) throw createDuringTermination();
    if (bucketOf(kind) === "/pods") admitPod(object, this.store);
    const admitted = await this.#admit(kind, object, { operation: "CREATE", options, old: undefined });
    // What a webhook added is completed like everything else.
    this.#prepare(kind, admitted, options);
    prepareForCreate(kind, admitted);
    this.#validate(kind, admitted, { old: undefined, options });
    if (bucketOf(kind) === "/services") return this.#inTurn(() => this.#commitNew(kind, admitted, options));
    return this.#commitNew(kind, admitted, options);
  }

  async #commitNew(kind: Kind, object: ApiObject, options: WriteOptions): Promise<ApiObject> {
    const { namespace, name = "" } = object.metadata;
    if (bucketOf(kind) === "/services") allocateService(object, this.store, this.#serviceCidr);
    if (options.dryRun) return object;
    if (bucketOf(kind) === "/services") checkNodePorts(object);
    try {
      const made = await this.store.commit({
        key: keyOf(kind, namespace, name),
        expected: 0,
        next: this.stored(kind, object),
      });
      // Who defined a kind uses it at once, unlike on clusters whose parts take turns.
      if (bucketOf(kind) === DEFINITIONS) await this.#keeper?.settle();
      return this.present(kind, made);
    } catch (error) {
      if (error instanceof RevisionConflict) throw alreadyExists(kind, name);
      throw error;
    }
  }

  /** One after the other: a new Service has to see the addresses of those that are created at the same time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Changes an object as the function says; tries again when somebody else was quicker, unless the body names a version. */
  async update(
    kind: Kind,
    at: { readonly namespace: string | undefined; readonly name: string },
    change: (current: ApiObject) => ApiObject,
    options: WriteOptions = {},
  ): Promise<ApiObject> {
    for (let attempt = 1; ; attempt++) {
      const current = this.get(kind, at.namespace, at.name);
      if (current === undefined) throw notFound(kind, at.name);
      const wanted = cloneJson(change(current));
      const named = wanted.metadata.resourceVersion;
      if (named !== undefined && named !== "" && named !== current.metadata.resourceVersion)
        throw conflict(kind, at.name);
      const identity = wanted.metadata.uid;
      if (identity !== undefined && identity !== "" && identity !== current.metadata.uid)
        throw conflict(
          kind,
          at.name,
          `Precondition failed: UID in precondition: ${identity}, UID in object meta: ${current.metadata.uid}`,
        );
      try {
        return await this.#replace(kind, current, { wanted, options });
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error;
        if (!error.exists) throw notFound(kind, at.name);
        if (attempt >= ATTEMPTS) throw conflict(kind, at.name);
      }
    }
  }

  async delete(
    kind: Kind,
    at: { readonly namespace: string | undefined; readonly name: string },
    options: DeleteOptions & WriteOptions = {},
  ): Promise<{ readonly object: ApiObject; readonly gone: boolean }> {
    for (let attempt = 1; ; attempt++) {
      const current = this.get(kind, at.namespace, at.name);
      if (current === undefined) throw notFound(kind, at.name);
      const { uid, resourceVersion } = options.preconditions ?? {};
      if (uid !== undefined && uid !== current.metadata.uid)
        throw failedPrecondition(
          kind,
          at.name,
          `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`,
        );
      if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
        throw failedPrecondition(
          kind,
          at.name,
          `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`,
        );
      await this.#webhooks?.validate({ kind, operation: "DELETE", object: undefined, old: current, options });
      try {
        return await this.#deleteOnce(kind, current, options);
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error;
        if (!error.exists) throw notFound(kind, at.name);
        if (attempt >= ATTEMPTS) throw conflict(kind, at.name);
      }
    }
  }

  async #deleteOnce(
    kind: Kind,
    current: ApiObject,
    options: DeleteOptions & WriteOptions,
  ): Promise<{ readonly object: ApiObject; readonly gone: boolean }> {
    const object = cloneJson(current);
    const { metadata } = object;
    const key = keyOf(kind, metadata.namespace, metadata.name ?? "");
    const expected = Number(current.metadata.resourceVersion);
    const finalizers = new Set(metadata.finalizers);
    if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
    if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
    const isDefinition = bucketOf(kind) === DEFINITIONS;
    // Its objects go first.
    if (isDefinition && metadata.deletionTimestamp === undefined) finalizers.add(CLEANUP);
    const isPod = bucketOf(kind) === "/pods";
    const spec = isObject(object.spec) ? object.spec : {};
    const grace = isPod ? (options.gracePeriodSeconds ?? Number(spec.terminationGracePeriodSeconds ?? 30)) : 0;
    const ended =
      isPod &&
      (spec.nodeName === undefined ||
        (isObject(object.status) && (object.status.phase === "Succeeded" || object.status.phase === "Failed")));
    const isNamespace =
      bucketOf(kind) === "/namespaces" && Array.isArray(spec.finalizers) && spec.finalizers.length > 0;
    const waits = finalizers.size > 0 || isNamespace || (isPod && grace > 0 && !ended);
    if (!waits && options.dryRun) return { object: current, gone: true };
    if (!waits) return { object: await this.store.commit({ key, expected, next: undefined }), gone: true };
    const already = metadata.deletionTimestamp !== undefined;
    if (
      already &&
      finalizers.size === (metadata.finalizers?.length ?? 0) &&
      (metadata.deletionGracePeriodSeconds ?? 0) <= grace
    )
      return { object: current, gone: false };
    if (finalizers.size > 0) metadata.finalizers = [...finalizers];
    metadata.deletionGracePeriodSeconds = isPod ? grace : 0;
    metadata.deletionTimestamp = already
      ? metadata.deletionTimestamp!
      : new Date(Date.parse(this.#now()) + grace * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    if (hasGeneration(kind)) metadata.generation = (metadata.generation ?? 1) + 1;
    if (isNamespace) object.status = { ...(isObject(object.status) ? object.status : {}), phase: "Terminating" };
    if (isDefinition) object.status = terminating(asObject(object.status), this.#now());
    if (options.dryRun) return { object, gone: false };
    return {
      object: this.present(kind, await this.store.commit({ key, expected, next: this.stored(kind, object) })),
      gone: false,
    };
  }

  async #replace(
    kind: Kind,
    current: ApiObject,
    { wanted, options }: { readonly wanted: ApiObject; readonly options: WriteOptions },
  ): Promise<ApiObject> {
    this.#checkType(kind, wanted);
    const { metadata } = wanted;
    if (metadata.name !== undefined && metadata.name !== current.metadata.name)
      throw badRequest(
        `the name of the object (${metadata.name}) does not match the name on the URL (${current.metadata.name})`,
      );
    const isStatus = options.subresource === "status";
    const isDebugging = options.subresource === "ephemeralcontainers";
    let next: ApiObject = isStatus
      ? ({
          ...cloneJson(current),
          status: wanted.status ?? {},
          metadata: {
            ...cloneJson(current.metadata),
            ...(metadata.managedFields && { managedFields: metadata.managedFields }),
          },
        } as ApiObject)
      : isDebugging
        ? withEphemeralContainers(kind, current, wanted)
        : wanted;
    if (!isStatus) {
      keepImmutable(next, current, kind.subresources.includes("status"));
      next.metadata.resourceVersion = current.metadata.resourceVersion ?? "";
      this.#prepare(kind, next, options);
      this.#recordManager(kind, { before: current, after: next }, options);
      if (!isDebugging) {
        next = await this.#admit(kind, next, { operation: "UPDATE", options, old: current });
        this.#prepare(kind, next, options);
      }
      if (bucketOf(kind) === DEFINITIONS) next.status = withStoredVersions(asObject(next.status), next);
      this.#validate(kind, next, { old: current, options });
      if (bucketOf(kind) === "/services") allocateService(next, this.store, this.#serviceCidr);
      this.#countGeneration(kind, next, current);
    } else {
      next = await this.#admit(kind, next, { operation: "UPDATE", options, old: current, subresource: "status" });
      if (isCustom(kind)) this.#prepareStatus(kind, next, { current, options });
      this.#recordManager(kind, { before: current, after: next }, options);
    }
    if (options.dryRun)
      return { ...next, metadata: { ...next.metadata, resourceVersion: current.metadata.resourceVersion ?? "" } };
    const key = keyOf(kind, current.metadata.namespace, current.metadata.name ?? "");
    const expected = Number(current.metadata.resourceVersion);
    // The last finalizer is gone: so is the object.
    if (isReleased(kind, next)) return this.store.commit({ key, expected, next: undefined });
    next.metadata.resourceVersion = current.metadata.resourceVersion ?? "";
    if (isDeepStrictEqual(next, current)) return current;
    return this.present(kind, await this.store.commit({ key, expected, next: this.stored(kind, next) }));
  }

  #prepare(kind: Kind, object: ApiObject, options: WriteOptions): void {
    if (!isCustom(kind)) {
      // The cluster's own parts are checked by the compiler.
      if (options.fieldValidation !== undefined)
        reportUnknown(kind, pruneUnknown(kind, this.shapes.of(kind), object), options);
      applyDefaults(kind, object);
      return tidy(object, this.shapes.of(kind));
    }
    reportUnknown(kind, completeCustom(kind, object), options);
  }

  #prepareStatus(
    kind: CustomKind,
    next: ApiObject,
    { current, options }: { readonly current: ApiObject; readonly options: WriteOptions },
  ): void {
    this.#prepare(kind, next, options);
    this.#validate(kind, next, { old: current, options });
  }

  #recordManager(
    kind: Kind,
    { before, after }: { readonly before: ApiObject | undefined; readonly after: ApiObject },
    { manager, subresource }: WriteOptions,
  ): void {
    if (manager === undefined) return;
    const shape = this.shapes.of(kind);
    const nothing = isCustom(kind) ? {} : zeroOf(shape);
    const managed = managedAfterUpdate(
      { before: before ?? asObject(nothing), after, isNew: before === undefined },
      shape,
      {
        manager,
        time: this.#now(),
        apiVersion: apiVersionOf(kind),
        ...(subresource === undefined ? {} : { subresource }),
      },
    );
    if (managed.length > 0) after.metadata.managedFields = managed;
    else delete after.metadata.managedFields;
  }

  #countGeneration(kind: Kind, next: ApiObject, current: ApiObject): void {
    if (!hasGeneration(kind)) {
      delete next.metadata.generation;
      return;
    }
    const specChanged =
      !isDeepStrictEqual(withoutMeta(next), withoutMeta(current)) ||
      // Of Deployments alone the annotations count too: they say how to roll back.
      (bucketOf(kind) === "apps/deployments" &&
        !isDeepStrictEqual(next.metadata.annotations ?? {}, current.metadata.annotations ?? {}));
    next.metadata.generation = (current.metadata.generation ?? 1) + (specChanged ? 1 : 0);
  }

  #validate(
    kind: Kind,
    object: ApiObject,
    { old, options }: { readonly old: ApiObject | undefined; readonly options: WriteOptions },
  ): void {
    const own = isCustom(kind)
      ? this.#judgeCustom(kind, object, { old, options })
      : options.fieldValidation === undefined
        ? []
        : problemsOf(object, old);
    const { user, subresource } = options;
    if (user !== undefined && subresource === undefined) checkEscalation(this.store, { kind, object, old, user });
    const isStatus = subresource === "status";
    const problems = isStatus ? own : [...metadataProblems(kind, object), ...own];
    if (bucketOf(kind) === DEFINITIONS) for (const text of definitionWarnings(object)) options.onWarning?.(text);
    if (problems.length > 0) throw invalid(kind, object.metadata.name ?? "", problems);
  }

  #judgeCustom(
    kind: CustomKind,
    object: ApiObject,
    { old, options }: { readonly old: ApiObject | undefined; readonly options: WriteOptions },
  ): readonly FieldProblem[] {
    const isStatus = options.subresource === "status";
    const { problems, warnings } = this.#customChecks.verdict(kind, object, { old, isStatus });
    for (const { field, message } of warnings) options.onWarning?.(`${field}: ${message}`);
    return problems;
  }

  async #admit(
    kind: Kind,
    object: ApiObject,
    request: {
      readonly operation: "CREATE" | "UPDATE";
      readonly options: WriteOptions;
      readonly old: ApiObject | undefined;
      readonly subresource?: string;
    },
  ): Promise<ApiObject> {
    if (this.#webhooks === undefined) return object;
    const decode = (changed: ApiObject): void => {
      if (!isCustom(kind)) pruneUnknown(kind, this.shapes.of(kind), changed as JsonObject);
    };
    const mutated = await this.#webhooks.mutate({ kind, object, decode, ...request });
    await this.#webhooks.validate({ kind, object: mutated, ...request });
    return mutated;
  }

  /** Asks webhooks about what is no write of an object: a token, a command in a container. */
  async admitAction(
    kind: Kind,
    action: {
      readonly operation: "CREATE" | "CONNECT";
      readonly subresource: string;
      readonly object: ApiObject;
      readonly user: NonNullable<WriteOptions["user"]>;
    },
  ): Promise<void> {
    const { object, user, ...rest } = action;
    const [group = "", version = ""] = object.apiVersion.includes("/")
      ? object.apiVersion.split("/")
      : ["", object.apiVersion];
    const objectKind = { group, version, kind: object.kind };
    const request = { kind, object, old: undefined, options: { user }, objectKind, ...rest };
    await this.#webhooks?.mutate({ ...request, decode: () => {} });
    await this.#webhooks?.validate(request);
  }

  #checkType(kind: Kind, object: ApiObject): void {
    if (object.kind === undefined) object.kind = kind.kind;
    if (object.apiVersion === undefined) object.apiVersion = apiVersionOf(kind);
    if (object.kind !== kind.kind || object.apiVersion !== apiVersionOf(kind)) throw this.#wrongType(kind, object);
    if (!isObject(object.metadata)) object.metadata = {};
  }

  #wrongType(kind: Kind, { apiVersion, kind: given, metadata }: ApiObject): Error {
    if (isCustom(kind))
      return apiVersion === apiVersionOf(kind)
        ? invalid({ group: kind.group, kind: given }, asString((metadata as JsonObject | undefined)?.name), [
            { field: "kind", message: `Invalid value: ${JSON.stringify(given)}: must be ${kind.kind}` },
          ])
        : badRequest(
            `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(kind)})`,
          );
    const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
    const known = this.#catalog.findKind(apiVersion, given);
    const package_ = ({ group }: Kind): string => (group === "" ? "core" : (group.split(".")[0] ?? ""));
    const why =
      known === undefined
        ? `no kind "${given}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`
        : `converting (${version}.${given}) to (${package_(kind)}.${kind.kind}): unknown conversion`;
    return badRequest(`${given} in version "${version}" cannot be handled as a ${kind.kind}: ${why}`);
  }

  #checkNamespace(name: string): void {
    const namespace = this.store.get({ bucket: "/namespaces", namespace: "", name });
    const kind = this.#catalog.find("", "v1", "namespaces")!;
    if (namespace === undefined) throw notFound(kind, name);
    if (namespace.metadata.deletionTimestamp !== undefined)
      throw forbidden(`unable to create new content in namespace ${name} because it is being terminated`);
  }
}

export function keyOf(
  kind: Kind,
  namespace: string | undefined,
  name: string,
): { bucket: string; namespace: string; name: string } {
  return { bucket: bucketOf(kind), namespace: kind.namespaced ? (namespace ?? "") : "", name };
}

function isReleased(kind: Kind, object: ApiObject): boolean {
  if (object.metadata.deletionTimestamp === undefined || (object.metadata.finalizers?.length ?? 0) > 0) return false;
  if (bucketOf(kind) === "/pods") return object.metadata.deletionGracePeriodSeconds === 0;
  if (bucketOf(kind) !== "/namespaces") return true;
  const spec = object.spec;
  return !isObject(spec) || !Array.isArray(spec.finalizers) || spec.finalizers.length === 0;
}

/** Unknown fields are an error for those who ask for it, else a warning. */
function reportUnknown(kind: Kind, unknown: readonly string[], options: WriteOptions): void {
  const texts = [
    ...unknown.map((path) => `unknown field "${path}"`),
    ...(options.duplicates ?? []).map((path) => `duplicate field "${path}"`),
  ];
  if (texts.length > 0 && options.fieldValidation === "Strict") {
    throw badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${texts.join(", ")}`,
    );
  }
  if (options.fieldValidation !== "Ignore") for (const text of texts) options.onWarning?.(text);
}

function withoutMeta({ metadata: _m, status: _s, apiVersion: _a, kind: _k, ...rest }: ApiObject): unknown {
  return rest;
}
