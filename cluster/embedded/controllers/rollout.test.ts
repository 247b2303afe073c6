import { describe, expect, test } from "vitest";
import { nextReplicas, type RolloutInput, resolveFraction, type SetState } from "./rollout.ts";

const set = (name: string, replicas: number, available = replicas): SetState => ({ name, replicas, available });
const rolling = (maxSurge: number, maxUnavailable: number): RolloutInput["strategy"] => ({
  type: "RollingUpdate",
  maxSurge,
  maxUnavailable,
});

describe("nextReplicas", () => {
  test.each<[string, RolloutInput, Record<string, number>]>([
    [
      "a first rollout",
      { wanted: 3, strategy: rolling(1, 0), current: set("new", 0), old: [], oldPods: 0 },
      { new: 3 },
    ],
    [
      "nothing to do",
      { wanted: 3, strategy: rolling(1, 0), current: set("new", 3), old: [set("old", 0)], oldPods: 0 },
      {},
    ],
    [
      "surge first",
      { wanted: 1, strategy: rolling(1, 0), current: set("new", 0), old: [set("old", 1)], oldPods: 1 },
      { new: 1 },
    ],
    [
      "the new one is not ready: the old one stays",
      { wanted: 1, strategy: rolling(1, 0), current: set("new", 1, 0), old: [set("old", 1)], oldPods: 1 },
      {},
    ],
    [
      "the new one is ready: the old one goes",
      { wanted: 1, strategy: rolling(1, 0), current: set("new", 1), old: [set("old", 1)], oldPods: 1 },
      { old: 0 },
    ],
    [
      "old ones that are not available go first",
      {
        wanted: 2,
        strategy: rolling(1, 0),
        current: set("new", 1, 1),
        old: [set("a", 1, 0), set("b", 1, 1)],
        oldPods: 2,
      },
      { a: 0 },
    ],
    ["scaling down", { wanted: 1, strategy: rolling(1, 0), current: set("new", 3), old: [], oldPods: 0 }, { new: 1 }],
    [
      "unavailable is allowed",
      { wanted: 4, strategy: rolling(0, 1), current: set("new", 0), old: [set("old", 4)], oldPods: 4 },
      { old: 3 },
    ],
    [
      "recreate ends the old ones",
      { wanted: 2, strategy: { type: "Recreate" }, current: set("new", 0), old: [set("old", 2)], oldPods: 2 },
      { old: 0 },
    ],
    [
      "recreate waits until they are gone",
      { wanted: 2, strategy: { type: "Recreate" }, current: set("new", 0), old: [set("old", 0)], oldPods: 1 },
      {},
    ],
    [
      "recreate starts the new ones",
      { wanted: 2, strategy: { type: "Recreate" }, current: set("new", 0), old: [set("old", 0)], oldPods: 0 },
      { new: 2 },
    ],
  ])("%s", (_, input, expected) => {
    expect(Object.fromEntries(nextReplicas(input))).toEqual(expected);
  });

  test("a rollout of ten ends with ten new ones and is never below what must be available", () => {
    let sets = { current: set("new", 0, 0), old: set("old", 10) };
    for (let round = 0; round < 50 && !(sets.current.available === 10 && sets.old.replicas === 0); round++) {
      const next = nextReplicas({
        wanted: 10,
        strategy: rolling(3, 2),
        current: sets.current,
        old: [sets.old],
        oldPods: sets.old.replicas,
      });
      const replicas = next.get("new") ?? sets.current.replicas;
      const old = next.get("old") ?? sets.old.replicas;
      expect(replicas + old).toBeLessThanOrEqual(13);
      expect(Math.min(sets.current.available, replicas) + old).toBeGreaterThanOrEqual(8);
      sets = { current: set("new", replicas, Math.min(replicas, sets.current.available + 1)), old: set("old", old) };
    }
    expect(sets).toEqual({ current: set("new", 10), old: set("old", 0) });
  });
});

test.each([
  [undefined, 10, "up", 3],
  [undefined, 10, "down", 2],
  ["50%", 5, "up", 3],
  ["50%", 5, "down", 2],
  [4, 5, "up", 4],
] as const)("resolveFraction(%s of %i, %s)", (value, total, round, expected) => {
  expect(resolveFraction(value, total, round)).toBe(expected);
});
