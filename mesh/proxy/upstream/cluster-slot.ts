import type { ClusterRuntime } from "./cluster.ts";

/** A cluster's name with whatever stands behind it now; routes hold slots, so that no request looks a name up. */
export interface ClusterSlot {
  readonly name: string;
  current: ClusterRuntime | undefined;
}

/** All slots by name. A slot is made when somebody first speaks of it and is never replaced. */
export class ClusterSlots {
  readonly #slots = new Map<string, ClusterSlot>();

  get(name: string): ClusterSlot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = { name, current: undefined };
      this.#slots.set(name, slot);
    }
    return slot;
  }

  find(name: string): ClusterSlot | undefined {
    return this.#slots.get(name);
  }

  all(): Iterable<ClusterSlot> {
    return this.#slots.values();
  }
}
