import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, equalJson, type JsonObject } from "../../machinery/json.ts";
import { RevisionConflict, type Store } from "../../store/store.ts";
import { namedStatus } from "./naming.ts";

const DEFINITIONS = "apiextensions.k8s.io/customresourcedefinitions";
export const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

/** Deletes an object as a client would. */
export type DeleteObject = (definition: ApiObject, object: ApiObject) => Promise<void>;

/**
 * Looks after definitions: accepts their names, so that their kinds are served, and removes the objects of those that are being
 * deleted before they go themselves.
 */
export class DefinitionKeeper {
  readonly #store: Store;
  readonly #now: () => string;
  readonly #deleteObject: DeleteObject;
  readonly #onError: (error: unknown) => void;
  #turn: Promise<void> = Promise.resolve();
  #stop: (() => void) | undefined;
  readonly #cleaning = new Set<string>();

  constructor(
    store: Store,
    options: {
      readonly now: () => string;
      readonly deleteObject: DeleteObject;
      readonly onError: (error: unknown) => void;
    },
  ) {
    this.#store = store;
    this.#now = options.now;
    this.#deleteObject = options.deleteObject;
    this.#onError = options.onError;
  }

  start(): void {
    this.#stop = this.#store.watch(DEFINITIONS, this.#store.revision, () => void this.settle());
    void this.settle();
  }

  stop(): void {
    this.#stop?.();
  }

  /** Resolves when what is stored now has been looked after; objects that wait for finalizers are not waited for. */
  settle(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#work()).catch(this.#onError);
    return this.#turn;
  }

  async #work(): Promise<void> {
    for (const definition of this.#store.list(DEFINITIONS)) {
      if (definition.metadata.deletionTimestamp !== undefined) {
        void this.#clean(definition).catch(this.#onError);
        continue;
      }
      const status = namedStatus(definition, this.#store.list(DEFINITIONS), this.#now());
      if (!equalJson(status, asObject(definition.status))) await this.#write(definition, { ...definition, status });
    }
  }

  /** What somebody else changed meanwhile is looked at again, since that is a change too. */
  async #write(old: ApiObject, next: ApiObject | undefined): Promise<void> {
    try {
      const key = { bucket: DEFINITIONS, namespace: "", name: old.metadata.name ?? "" };
      await this.#store.commit({ key, expected: Number(old.metadata.resourceVersion), next });
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }

  async #clean(definition: ApiObject): Promise<void> {
    const { uid = "", finalizers = [] } = definition.metadata;
    if (this.#cleaning.has(uid) || !finalizers.includes(CLEANUP)) return;
    this.#cleaning.add(uid);
    try {
      const bucket = bucketOfObjects(definition);
      for (const object of this.#store.list(bucket))
        if (object.metadata.deletionTimestamp === undefined) await this.#deleteObject(definition, object);
      await this.#empty(bucket);
      const current = this.#store.get({ bucket: DEFINITIONS, namespace: "", name: definition.metadata.name ?? "" });
      if (current?.metadata.uid !== uid) return;
      const left = current.metadata.finalizers?.filter((one) => one !== CLEANUP) ?? [];
      const next = { ...current, metadata: { ...current.metadata, finalizers: left } };
      await this.#write(current, left.length === 0 ? undefined : next);
    } finally {
      this.#cleaning.delete(uid);
    }
  }

  #empty(bucket: string): Promise<void> {
    if (this.#store.list(bucket).length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.#store.watch(bucket, this.#store.revision, () => {
        if (this.#store.list(bucket).length > 0) return;
        stop();
        resolve();
      });
    });
  }
}

function bucketOfObjects({ spec }: ApiObject): string {
  const { group, names } = asObject(spec);
  return `${asString(group)}/${asString(asObject(names).plural)}`;
}

/** What a definition's status says from the moment in which it is to go. */
export function terminating(status: JsonObject, now: string): JsonObject {
  const condition = {
    type: "Terminating",
    status: "True",
    lastTransitionTime: now,
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  const others = asArray(status.conditions).filter((one) => asObject(one).type !== "Terminating");
  return { ...status, conditions: [...others, condition] };
}
