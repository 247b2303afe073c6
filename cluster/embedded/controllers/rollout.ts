/** What a ReplicaSet of a Deployment looks like to the arithmetic of a rollout. */
export interface SetState {
  readonly name: string;
  readonly replicas: number;
  readonly available: number;
}

export interface RolloutInput {
  readonly wanted: number;
  readonly strategy:
    | { readonly type: "Recreate" }
    | { readonly type: "RollingUpdate"; readonly maxSurge: number; readonly maxUnavailable: number };
  readonly current: SetState;
  /** Oldest first. */
  readonly old: readonly SetState[];
  /** Pods of old sets that still run, also those that are ending. */
  readonly oldPods: number;
}

/** How many replicas each set should have next: name -> replicas, only where it changes. */
export function nextReplicas(input: RolloutInput): ReadonlyMap<string, number> {
  return input.strategy.type === "Recreate" ? recreate(input) : rollingUpdate(input, input.strategy);
}

/** An absolute number or a percentage of the replicas; surge rounds up, unavailable down. Source: Deployment API. */
export function resolveFraction(value: number | string | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return resolveFraction("25%", total, round);
  if (typeof value === "number") return value;
  const match = /^(\d+)%$/.exec(value);
  if (match === null) return Number(value) || 0;
  const exact = (Number(match[1]) * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}

function recreate({ wanted, current, old, oldPods }: RolloutInput): ReadonlyMap<string, number> {
  const next = new Map<string, number>();
  for (const set of old) if (set.replicas > 0) next.set(set.name, 0);
  if (oldPods === 0 && current.replicas !== wanted) next.set(current.name, wanted);
  return next;
}

function rollingUpdate(
  input: RolloutInput,
  strategy: { readonly maxSurge: number; readonly maxUnavailable: number },
): ReadonlyMap<string, number> {
  const { wanted, current, old } = input;
  const next = new Map<string, number>();
  const oldReplicas = sum(old, (set) => set.replicas);
  let currentReplicas = current.replicas;
  if (current.replicas > wanted) currentReplicas = wanted;
  else {
    const room = wanted + strategy.maxSurge - current.replicas - oldReplicas;
    currentReplicas = Math.min(wanted, current.replicas + Math.max(0, room));
  }
  if (currentReplicas !== current.replicas) next.set(current.name, currentReplicas);
  // Old pods may go as far as enough stay available; those that are not available count for nothing and go first.
  const minAvailable = wanted - strategy.maxUnavailable;
  let mayGo = oldReplicas + current.replicas - minAvailable - (current.replicas - current.available);
  for (const set of old) {
    const unhealthy = Math.min(set.replicas - set.available, Math.max(0, mayGo));
    if (unhealthy <= 0) continue;
    next.set(set.name, set.replicas - unhealthy);
    mayGo -= unhealthy;
  }
  const available = current.available + sum(old, (set) => set.available);
  let surplus = Math.min(mayGo, available - minAvailable);
  for (const set of old) {
    if (surplus <= 0) break;
    const left = next.get(set.name) ?? set.replicas;
    const fewer = Math.min(left, surplus);
    if (fewer > 0) next.set(set.name, left - fewer);
    surplus -= fewer;
  }
  return next;
}

const sum = (sets: readonly SetState[], of: (set: SetState) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);
