import { expect, test } from "vitest";
import { planStateful, type Replica, type StatefulInput } from "./stateful-plan.ts";

const replica = (ordinal: number, change: Partial<Replica> = {}): Replica => ({
  ordinal,
  revision: "new",
  ready: true,
  terminating: false,
  ended: false,
  ...change,
});
const input = (present: readonly Replica[], change: Partial<StatefulInput> = {}): StatefulInput => ({
  replicas: 3,
  start: 0,
  ordered: true,
  revision: "new",
  partition: 0,
  present,
  ...change,
});

test.each<[string, StatefulInput, readonly number[], readonly number[]]>([
  ["the first replica of an ordered set", input([]), [0], []],
  ["waits until the one before is ready", input([replica(0, { ready: false })]), [], []],
  ["the next replica", input([replica(0)]), [1], []],
  ["all replicas of a parallel set", input([], { ordered: false }), [0, 1, 2], []],
  ["a first ordinal of its own", input([], { start: 5 }), [5], []],
  ["fills a gap before anything else", input([replica(0), replica(2)]), [1], []],
  ["down from the highest", input([replica(0), replica(1), replica(2), replica(3), replica(4)]), [], [4]],
  [
    "down one after the other",
    input([replica(0), replica(1), replica(2), replica(3), replica(4, { terminating: true })]),
    [],
    [],
  ],
  [
    "updates from the highest",
    input([replica(0, { revision: "old" }), replica(1, { revision: "old" }), replica(2, { revision: "old" })]),
    [],
    [2],
  ],
  [
    "an update waits for the one before it",
    input([replica(0, { revision: "old" }), replica(1, { revision: "old" }), replica(2, { ready: false })]),
    [],
    [],
  ],
  [
    "an update stops at the partition",
    input([replica(0, { revision: "old" }), replica(1, { revision: "old" }), replica(2)], { partition: 2 }),
    [],
    [],
  ],
  ["leaves updates to people", input([replica(0, { revision: "old" })], { replicas: 1, partition: undefined }), [], []],
  [
    "replaces a broken replica of an old template",
    input([replica(0, { revision: "old", ready: false })], { replicas: 1 }),
    [],
    [0],
  ],
  ["makes room for one that ended", input([replica(0, { ended: true, ready: false })]), [], [0]],
])("%s", (_, given, create, remove) => {
  expect(planStateful(given)).toEqual({ create, remove });
});
