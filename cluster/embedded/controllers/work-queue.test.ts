import { expect, test } from "vitest";
import type { Clock } from "../machinery/clock.ts";
import { WorkQueue } from "./work-queue.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that only moves when told to. */
class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; act: () => void }[] = [];
  now = (): number => this.#now;
  after = (milliseconds: number, act: () => void): (() => void) => {
    const timer = { at: this.#now + milliseconds, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };
  async advance(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { act } of due) act();
    await turn();
    await turn();
  }
}

function queueOf(reconcile: (key: string) => Promise<void>): { queue: WorkQueue; clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, queue: new WorkQueue({ name: "test", clock, logger: silent, reconcile }) };
}

test("many events of one turn are one run, and what comes during a run is another", async () => {
  const gates: (() => void)[] = [];
  const { queue } = queueOf(() => new Promise((resolve) => gates.push(resolve)));
  for (let i = 0; i < 5; i++) queue.add("a");
  await turn();
  expect(gates.length).toBe(1);
  queue.add("a");
  queue.add("a");
  await turn();
  expect(gates.length).toBe(1);
  gates[0]?.();
  await turn();
  await turn();
  expect(gates.length).toBe(2);
});

test("an error is tried again, later each time, and at once when something happens", async () => {
  let runs = 0;
  const { queue, clock } = queueOf(async () => {
    runs++;
    throw new Error("not yet");
  });
  queue.add("a");
  await turn();
  await turn();
  expect(runs).toBe(1);
  await clock.advance(50);
  expect(runs).toBe(2);
  await clock.advance(50);
  expect(runs).toBe(2);
  await clock.advance(50);
  expect(runs).toBe(3);
  queue.add("a");
  await turn();
  await turn();
  expect(runs).toBe(4);
});

test("the earliest of several planned runs counts, and none after the stop", async () => {
  let runs = 0;
  const { queue, clock } = queueOf(async () => {
    runs++;
  });
  queue.addLater("a", 1000);
  queue.addLater("a", 100);
  queue.addLater("a", 500);
  await clock.advance(100);
  expect(runs).toBe(1);
  await clock.advance(2000);
  expect(runs).toBe(1);
  queue.addLater("a", 10);
  queue.stop();
  await clock.advance(10);
  expect(runs).toBe(1);
});
