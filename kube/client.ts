import type { KubeObject } from "#api/kinds/object.ts";
import type { Connection } from "./connection.ts";
import { HttpClient } from "./http.ts";
import { pathOf, type ResourceType } from "./resource.ts";
import { isNotFound } from "./status-error.ts";

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListResult<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
}

export interface PatchOptions extends CallOptions {
  readonly type: "json" | "merge" | "strategic";
  readonly subresource?: string;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Takes over fields that others own. */
  readonly force?: boolean;
  /** What unknown fields mean; the API server warns by default. */
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;
const JSON_BODY = { "content-type": "application/json" };
const PAGE = 500;

/** Typed access to any kind of an API server. Objects are plain JSON; the caller says which type they have. */
export class KubeClient {
  readonly http: HttpClient;

  constructor(connection: Connection) {
    this.http = new HttpClient(connection);
  }

  close(): void {
    this.http.close();
  }

  /** Undefined if there is none. */
  async get<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      return await this.http.json<T>({
        method: "GET",
        path: pathOf(type, key.namespace, key.name),
        ...signalOf(options),
      });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** All objects, page by page. */
  async list<T extends KubeObject>(
    type: ResourceType,
    query: ListQuery = {},
    options: CallOptions = {},
  ): Promise<ListResult<T>> {
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      const path =
        pathOf(type, query.namespace) + search({ ...selectors(query), limit: String(PAGE), continue: token });
      const page = await this.http.json<ListPage<T>>({ method: "GET", path, ...signalOf(options) });
      for (const item of page.items) items.push(typed(item, page));
      token = page.metadata.continue || undefined;
      if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  create<T extends KubeObject>(type: ResourceType, object: T, options: CallOptions = {}): Promise<T> {
    const path = pathOf(type, object.metadata.namespace) + search(writeQuery(options));
    return this.http.json<T>({
      method: "POST",
      path,
      headers: JSON_BODY,
      body: JSON.stringify(object),
      ...signalOf(options),
    });
  }

  /** Rejects with Conflict if the object was changed since it was read. */
  update<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: CallOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { namespace, name = "" } = object.metadata;
    const path = pathOf(type, namespace, name, options.subresource) + search(writeQuery(options));
    return this.http.json<T>({
      method: "PUT",
      path,
      headers: JSON_BODY,
      body: JSON.stringify(object),
      ...signalOf(options),
    });
  }

  patch<T extends KubeObject>(type: ResourceType, key: ObjectKey, body: unknown, options: PatchOptions): Promise<T> {
    const path = pathOf(type, key.namespace, key.name, options.subresource) + search(writeQuery(options));
    const headers = { "content-type": patchTypes[options.type] };
    return this.http.json<T>({ method: "PATCH", path, headers, body: JSON.stringify(body), ...signalOf(options) });
  }

  /** Server-side apply: creates the object or changes the fields that this manager says. */
  apply<T extends KubeObject>(type: ResourceType, object: T, options: ApplyOptions): Promise<T> {
    const { namespace, name = "" } = object.metadata;
    const query = {
      ...writeQuery(options),
      force: options.force ? "true" : undefined,
      fieldValidation: options.fieldValidation,
    };
    const headers = { "content-type": "application/apply-patch+yaml" };
    return this.http.json<T>({
      method: "PATCH",
      path: pathOf(type, namespace, name) + search(query),
      headers,
      body: JSON.stringify(object),
      ...signalOf(options),
    });
  }

  /** Resolves to false if there was none. */
  async delete(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions & { readonly propagationPolicy?: string } = {},
  ): Promise<boolean> {
    const path =
      pathOf(type, key.namespace, key.name) +
      search({ ...writeQuery(options), propagationPolicy: options.propagationPolicy });
    try {
      await this.http.text({ method: "DELETE", path, ...signalOf(options) });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

interface ListPage<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** Items of a list come without their type; here every object says what it is. */
export function typed<T extends KubeObject>(item: T, list: { readonly apiVersion: string; readonly kind: string }): T {
  return item.kind ? item : { ...item, apiVersion: list.apiVersion, kind: list.kind.replace(/List$/, "") };
}

function selectors({ labelSelector, fieldSelector }: ListQuery): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

function writeQuery({ dryRun, fieldManager }: CallOptions): Record<string, string | undefined> {
  return { dryRun: dryRun ? "All" : undefined, fieldManager };
}

const signalOf = ({ signal }: CallOptions): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });

export function search(query: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries)}`;
}
