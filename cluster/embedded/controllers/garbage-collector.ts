import type { KubeObject } from "#api/kinds/object.ts";
import { type Disposer, StatusError } from "../machinery/resources.ts";
import type { Controller, ControllerContext, KnownType } from "./context.ts";
import { WorkQueue } from "./work-queue.ts";

interface Known {
  readonly type: KnownType;
  readonly object: KubeObject;
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";
/** Milliseconds that an owner which was never seen may take to appear before it counts as gone. */
const UNSEEN_MS = 2000;
const MAX_GONE = 10_000;

/** Deletes what belongs to objects that are gone, in the foreground or background, or releases it. Source: Kubernetes' garbage collection. */
export function startGarbageCollector(context: ControllerContext): Controller {
  const { resources, clock, logger, types } = context;
  const objects = new Map<string, Known>();
  /** owner uid -> uids of what belongs to it */
  const dependents = new Map<string, Set<string>>();
  const watches = new Map<string, Disposer>();
  const firstSeen = new Map<string, number>();
  /** Uids of objects that were seen to go, the latest ones: what belongs to them need not wait. */
  const gone = new Set<string>();
  let synced = 0;
  const queue = new WorkQueue({ name: "garbage-collector", clock, logger, reconcile });

  const watchTypes = (): void => {
    for (const type of types.all()) {
      const key = `${type.group}/${type.resource}`;
      // Events come and go by the thousand and own nothing.
      if (watches.has(key) || type.resource === "events") continue;
      watches.set(
        key,
        resources.watch<KubeObject>(
          type,
          {},
          {
            onSynced: () => {
              synced++;
            },
            onEvent: ({ type: kind, object }) => (kind === "DELETED" ? forget(object) : remember(type, object)),
          },
        ),
      );
    }
  };
  const unwatch = types.onChange(watchTypes);
  watchTypes();

  function remember(type: KnownType, object: KubeObject): void {
    const uid = object.metadata.uid ?? "";
    const before = objects.get(uid)?.object;
    for (const owner of before?.metadata.ownerReferences ?? []) dependents.get(owner.uid)?.delete(uid);
    objects.set(uid, { type, object });
    for (const owner of object.metadata.ownerReferences ?? []) {
      const set = dependents.get(owner.uid) ?? new Set();
      set.add(uid);
      dependents.set(owner.uid, set);
    }
    if ((object.metadata.ownerReferences?.length ?? 0) > 0 || object.metadata.deletionTimestamp !== undefined)
      queue.add(uid);
  }

  function forget(object: KubeObject): void {
    const uid = object.metadata.uid ?? "";
    objects.delete(uid);
    firstSeen.delete(uid);
    gone.add(uid);
    if (gone.size > MAX_GONE) gone.delete(gone.values().next().value ?? "");
    for (const dependent of dependents.get(uid) ?? []) queue.add(dependent);
    for (const owner of object.metadata.ownerReferences ?? []) {
      dependents.get(owner.uid)?.delete(uid);
      if (objects.get(owner.uid)?.object.metadata.deletionTimestamp !== undefined) queue.add(owner.uid);
    }
    dependents.delete(uid);
  }

  async function reconcile(uid: string): Promise<void> {
    const known = objects.get(uid);
    if (known === undefined) return;
    // Until every kind was listed, an owner that is not known may only not have come yet.
    if (synced < watches.size) return queue.addLater(uid, 50);
    if (known.object.metadata.deletionTimestamp !== undefined) return finishDeletion(known);
    const owners = known.object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const present = owners.filter((owner) => objects.has(owner.uid));
    const waiting = present.filter((owner) => objects.get(owner.uid)?.object.metadata.finalizers?.includes(FOREGROUND));
    if (present.length > waiting.length) return;
    const allGone = owners.every((owner) => gone.has(owner.uid));
    if (present.length === 0 && !allGone && !isOverdue(uid)) return queue.addLater(uid, UNSEEN_MS);
    await remove(known, waiting.length > 0 ? "Foreground" : "Background");
  }

  /** An owner may be younger than the event that names it; what was there for a while and has none is garbage. */
  function isOverdue(uid: string): boolean {
    const known = objects.get(uid)!;
    const created = Date.parse(known.object.metadata.creationTimestamp ?? "");
    if (clock.now() - created > UNSEEN_MS + 1000) return true;
    const seen = firstSeen.get(uid) ?? clock.now();
    firstSeen.set(uid, seen);
    return clock.now() - seen >= UNSEEN_MS;
  }

  async function finishDeletion(known: Known): Promise<void> {
    const { finalizers = [], uid = "" } = known.object.metadata;
    const owned = [...(dependents.get(uid) ?? [])]
      .map((dependent) => objects.get(dependent))
      .filter((dependent) => dependent !== undefined);
    if (finalizers.includes(ORPHAN)) {
      await Promise.all(owned.map((dependent) => release(dependent, uid)));
      return dropFinalizer(known, ORPHAN);
    }
    if (!finalizers.includes(FOREGROUND)) return;
    const blocking = owned.filter(({ object }) =>
      object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion),
    );
    if (blocking.length === 0) return dropFinalizer(known, FOREGROUND);
    for (const dependent of owned) queue.add(dependent.object.metadata.uid ?? "");
  }

  async function remove({ type, object }: Known, propagationPolicy: "Foreground" | "Background"): Promise<void> {
    if (object.metadata.deletionTimestamp !== undefined) return;
    const { namespace, name = "", uid } = object.metadata;
    await resources
      .delete(type, namespace, name, { propagationPolicy, ...(uid === undefined ? {} : { preconditions: { uid } }) })
      .catch(unlessGone);
  }

  async function release({ type, object }: Known, ownerUid: string): Promise<void> {
    const ownerReferences = object.metadata.ownerReferences?.filter((owner) => owner.uid !== ownerUid) ?? [];
    const { namespace, name = "" } = object.metadata;
    await resources
      .patch(type, namespace, name, { type: "merge", body: { metadata: { ownerReferences } } })
      .catch(unlessGone);
  }

  async function dropFinalizer({ type, object }: Known, finalizer: string): Promise<void> {
    const finalizers = object.metadata.finalizers?.filter((candidate) => candidate !== finalizer) ?? [];
    const { namespace, name = "" } = object.metadata;
    await resources
      .patch(type, namespace, name, { type: "merge", body: { metadata: { finalizers } } })
      .catch(unlessGone);
  }

  return {
    stop: () => {
      queue.stop();
      unwatch();
      for (const dispose of watches.values()) dispose();
    },
  };
}

function unlessGone(error: unknown): void {
  if (!(error instanceof StatusError) || (error.reason !== "NotFound" && error.reason !== "Conflict")) throw error;
}
