import type { KubeObject } from "#api/kinds/object.ts";
import type { ApiObject } from "../machinery/api-object.ts";
import { asObject, type Json } from "../machinery/json.ts";
import type {
  DeleteOptions,
  Disposer,
  ListOptions,
  PatchRequest,
  Resources,
  ResourceType,
  WatchObserver,
} from "../machinery/resources.ts";
import type { Catalog } from "./catalog.ts";
import { serverSideApply } from "./fields/apply.ts";
import type { StructShape } from "./fields/shape.ts";
import { bucketOf, type Kind } from "./kinds.ts";
import { jsonPatch, mergePatch, strategicMergePatch } from "./patch.ts";
import type { Registry } from "./registry.ts";
import { both, fieldPredicate, labelPredicate } from "./selectors.ts";
import { unknownPath } from "./status.ts";

/** The API without the bytes, for the cluster's own controllers and node. */
export class LocalResources implements Resources {
  readonly #registry: Registry;
  readonly #catalog: Catalog;
  readonly #now: () => string;
  readonly #manager: string;

  /** `manager` is who manages the fields that are written through this, as "kubelet". */
  constructor(registry: Registry, catalog: Catalog, options: { readonly now: () => string; readonly manager: string }) {
    this.#registry = registry;
    this.#catalog = catalog;
    this.#now = options.now;
    this.#manager = options.manager;
  }

  async get<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> {
    const object = this.#registry.get(this.#kind(type), namespace, name);
    return object === undefined ? undefined : toTyped<T>(object);
  }

  async list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
  ): Promise<{ items: readonly T[]; resourceVersion: string }> {
    const kind = this.#kind(type);
    const fits = both(labelPredicate(options.labelSelector), fieldPredicate(options.fieldSelector));
    const items = this.#registry.store
      .list(bucketOf(kind), kind.namespaced ? options.namespace : undefined)
      .map((object) => this.#registry.present(kind, object));
    return {
      items: (fits === undefined ? items : items.filter(fits)).map(toTyped<T>),
      resourceVersion: String(this.#registry.store.revision),
    };
  }

  async create<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    if (type.resource === "pods/binding") return toTyped<T>(await this.#bind(object));
    const options = { manager: this.#manager };
    return toTyped<T>(await this.#registry.create(this.#kind(type), toApi(object), options));
  }

  async update<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    const options = { manager: this.#manager };
    return toTyped<T>(await this.#registry.update(this.#kind(type), nameOf(object), () => toApi(object), options));
  }

  async updateStatus<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    const options = { subresource: "status", manager: this.#manager };
    return toTyped<T>(await this.#registry.update(this.#kind(type), nameOf(object), () => toApi(object), options));
  }

  async patch<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    request: PatchRequest,
  ): Promise<T> {
    const kind = this.#kind(type);
    const context = { shape: this.#registry.shapes.of(kind), now: this.#now() };
    const changed = await this.#registry.update(
      kind,
      { namespace, name },
      (current) => patchObject(current, request, context),
      {
        ...(request.subresource === undefined ? {} : { subresource: request.subresource }),
        ...(request.type === "apply" ? {} : { manager: request.fieldManager ?? this.#manager }),
      },
    );
    return toTyped<T>(changed);
  }

  async delete(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#registry.delete(this.#kind(type), { namespace, name }, options);
  }

  watch<T extends KubeObject>(type: ResourceType, options: ListOptions, observer: WatchObserver<T>): Disposer {
    const kind = this.#kind(type);
    const fits = both(labelPredicate(options.labelSelector), fieldPredicate(options.fieldSelector)) ?? (() => true);
    const inNamespace = (object: ApiObject): boolean =>
      options.namespace === undefined || object.metadata.namespace === options.namespace;
    const { store } = this.#registry;
    let disposed = false;
    // Told in a turn of its own: who watches may still be putting its listeners in place.
    let waiting: { readonly event: "ADDED" | "MODIFIED" | "DELETED"; readonly object: ApiObject }[] | undefined = [];
    const deliver = (event: "ADDED" | "MODIFIED" | "DELETED", object: ApiObject): void => {
      if (!disposed) observer.onEvent({ type: event, object: toTyped<T>(this.#registry.present(kind, object)) });
    };
    const tell = (event: "ADDED" | "MODIFIED" | "DELETED", object: ApiObject): void => {
      if (waiting === undefined) deliver(event, object);
      else waiting.push({ event, object });
    };
    for (const object of store.list(bucketOf(kind), options.namespace)) if (fits(object)) tell("ADDED", object);
    const initial = waiting.length;
    const stop = store.watch(bucketOf(kind), store.revision, ({ type: change, object, previous }) => {
      if (!inNamespace(object)) return;
      const [was, is] = [previous !== undefined && fits(previous), change !== "DELETED" && fits(object)];
      if (is) tell(was ? "MODIFIED" : "ADDED", object);
      else if (was) tell("DELETED", object);
    });
    setImmediate(() => {
      const held = waiting ?? [];
      waiting = undefined;
      for (const { event, object } of held.slice(0, initial)) deliver(event, object);
      if (!disposed) observer.onSynced?.();
      for (const { event, object } of held.slice(initial)) deliver(event, object);
    });
    return () => {
      disposed = true;
      stop();
    };
  }

  async #bind(binding: KubeObject): Promise<ApiObject> {
    const { target } = binding as KubeObject & { readonly target: { readonly name: string } };
    return bindPod(this.#registry, this.#catalog.find("", "v1", "pods")!, {
      ...nameOf(binding),
      node: target.name,
      now: this.#now(),
    });
  }

  #kind({ group, version, resource }: ResourceType): Kind {
    const kind = this.#catalog.find(group, version, resource);
    if (kind === undefined) throw unknownPath();
    return kind;
  }
}

/** The same JSON under two names: the API server knows objects as JSON, their readers by the types of their kinds. */
const toApi = (object: object): ApiObject => object as ApiObject;
const toTyped = <T extends KubeObject>(object: object): T => object as T;

/** Gives a pod its node, as the scheduler's binding says. */
export function bindPod(
  registry: Registry,
  pods: Kind,
  {
    namespace,
    name,
    node,
    now,
  }: { readonly namespace: string | undefined; readonly name: string; readonly node: string; readonly now: string },
): Promise<ApiObject> {
  return registry.update(pods, { namespace, name }, (pod) => {
    const status = asObject(pod.status);
    const conditions = Array.isArray(status.conditions)
      ? status.conditions.filter((condition) => asObject(condition).type !== "PodScheduled")
      : [];
    return {
      ...pod,
      spec: { ...asObject(pod.spec), nodeName: node },
      status: {
        ...status,
        conditions: [...conditions, { type: "PodScheduled", status: "True", lastTransitionTime: now }],
      },
    };
  });
}

/** A patch, and what it needs to know. */
export interface PatchContext {
  readonly shape: StructShape;
  readonly now: string;
}

export function patchObject(current: ApiObject, request: PatchRequest, { shape, now }: PatchContext): ApiObject {
  const body = request.body as Json;
  switch (request.type) {
    case "json":
      return jsonPatch(current as Json, body) as ApiObject;
    case "merge":
      return mergePatch(current as Json, body) as ApiObject;
    case "strategic":
      return strategicMergePatch(current as Json, body, shape) as ApiObject;
    case "apply":
      return serverSideApply(current, request.body as ApiObject, {
        manager: request.fieldManager ?? "unknown",
        force: request.force ?? false,
        time: now,
        shape,
        ...(request.subresource === undefined ? {} : { subresource: request.subresource }),
      });
  }
}

const nameOf = ({ metadata }: KubeObject): { readonly namespace: string | undefined; readonly name: string } => ({
  namespace: metadata.namespace,
  name: metadata.name ?? "",
});
