/** A replica of a StatefulSet as the plan sees it. */
export interface Replica {
  readonly ordinal: number;
  readonly revision: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** Ended by itself: replaced by one of the same name. */
  readonly ended: boolean;
}

export interface StatefulInput {
  readonly replicas: number;
  /** First ordinal. */
  readonly start: number;
  readonly ordered: boolean;
  /** Of the template as it is now. */
  readonly revision: string;
  /** Undefined with OnDelete: people replace pods. Otherwise ordinals from here on are replaced. */
  readonly partition: number | undefined;
  readonly present: readonly Replica[];
}

export interface StatefulPlan {
  readonly create: readonly number[];
  readonly remove: readonly number[];
}

/**
 * What to do next. Ordered sets go one step at a time: up from the lowest ordinal when all before it are ready, down from the
 * highest, and updates from the highest when all others are ready. Source: StatefulSet's deployment and scaling guarantees.
 */
export function planStateful(input: StatefulInput): StatefulPlan {
  const present = new Map(input.present.map((replica) => [replica.ordinal, replica]));
  const wanted = Array.from({ length: input.replicas }, (_, index) => input.start + index);
  const ended = input.present.filter((replica) => replica.ended && !replica.terminating).map(({ ordinal }) => ordinal);
  if (ended.length > 0) return { create: [], remove: ended };
  return input.ordered ? planOrdered(input, wanted, present) : planParallel(input, wanted, present);
}

function planOrdered(
  input: StatefulInput,
  wanted: readonly number[],
  present: ReadonlyMap<number, Replica>,
): StatefulPlan {
  for (const ordinal of wanted) {
    const replica = present.get(ordinal);
    if (replica === undefined) return { create: [ordinal], remove: [] };
    if (replica.terminating) return nothing;
    // One that does not work and is outdated would block its own replacement for ever.
    if (!replica.ready) return isOutdated(input, replica) ? { create: [], remove: [ordinal] } : nothing;
  }
  const surplus = surplusOf(input, wanted);
  if (surplus.length > 0) return surplus[0]!.terminating ? nothing : { create: [], remove: [surplus[0]!.ordinal] };
  return { create: [], remove: nextUpdate(input, wanted, present) };
}

function planParallel(
  input: StatefulInput,
  wanted: readonly number[],
  present: ReadonlyMap<number, Replica>,
): StatefulPlan {
  const create = wanted.filter((ordinal) => !present.has(ordinal));
  const surplus = surplusOf(input, wanted).filter((replica) => !replica.terminating);
  if (create.length > 0 || surplus.length > 0) return { create, remove: surplus.map(({ ordinal }) => ordinal) };
  return { create: [], remove: nextUpdate(input, wanted, present) };
}

/** The highest outdated replica, unless another one is on its way. */
function nextUpdate(
  input: StatefulInput,
  wanted: readonly number[],
  present: ReadonlyMap<number, Replica>,
): readonly number[] {
  for (const ordinal of wanted.toReversed()) {
    const replica = present.get(ordinal)!;
    if (isOutdated(input, replica)) return replica.terminating ? [] : [ordinal];
    if (!replica.ready || replica.terminating) return [];
  }
  return [];
}

function isOutdated({ partition, revision }: StatefulInput, replica: Replica): boolean {
  return partition !== undefined && replica.ordinal >= partition && replica.revision !== revision;
}

const surplusOf = ({ present }: StatefulInput, wanted: readonly number[]): readonly Replica[] =>
  present.filter(({ ordinal }) => !wanted.includes(ordinal)).toSorted((a, b) => b.ordinal - a.ordinal);

const nothing: StatefulPlan = { create: [], remove: [] };
