import type { KubeObject } from "#api/kinds/object.ts";

/**
 * The one way in which the embedded cluster's own controllers and node reach the API: what a client over HTTPS would see
 * (validation, defaulting, admission, conflicts, finalizers), without the bytes. The API server implements it.
 */
export interface Resources {
  get<T extends KubeObject>(type: ResourceType, namespace: string | undefined, name: string): Promise<T | undefined>;
  list<T extends KubeObject>(
    type: ResourceType,
    options?: ListOptions,
  ): Promise<{ items: readonly T[]; resourceVersion: string }>;
  create<T extends KubeObject>(type: ResourceType, object: T): Promise<T>;
  /** Fails with Conflict when the object's resourceVersion is not the stored one. */
  update<T extends KubeObject>(type: ResourceType, object: T): Promise<T>;
  updateStatus<T extends KubeObject>(type: ResourceType, object: T): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    patch: PatchRequest,
  ): Promise<T>;
  delete(type: ResourceType, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<void>;
  /**
   * Delivers the current state as ADDED events, then `onSynced`, then every change in order of commit. Objects are frozen and
   * shared: never change them. Returns the disposer.
   */
  watch<T extends KubeObject>(type: ResourceType, options: ListOptions, observer: WatchObserver<T>): Disposer;
}

export interface ResourceType {
  readonly group: string;
  readonly version: string;
  /** Plural, as in URLs. */
  readonly resource: string;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface PatchRequest {
  readonly type: "json" | "merge" | "strategic" | "apply";
  readonly body: unknown;
  readonly subresource?: "status" | "scale";
  /** Needed for apply. */
  readonly fieldManager?: string;
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface WatchObserver<T extends KubeObject> {
  readonly onEvent: (event: { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }) => void;
  readonly onSynced?: () => void;
}

export type Disposer = () => void;

/** A Kubernetes Status as an error: reason is the API's (NotFound, Conflict, AlreadyExists, Invalid, Forbidden, …), code the HTTP status. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: number;
  readonly reason: string;
  readonly details: unknown;

  constructor(code: number, reason: string, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export const coreV1 = (resource: string): ResourceType => ({ group: "", version: "v1", resource });
export const appsV1 = (resource: string): ResourceType => ({ group: "apps", version: "v1", resource });
