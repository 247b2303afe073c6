import { expect, test } from "vitest";
import { BringUp, type Step } from "./bring-up.ts";

const step = (id: string, after: readonly string[], run: Step["run"] = async () => {}): Step => ({
  id,
  title: id,
  after,
  run,
});
const states = (bringUp: BringUp): Record<string, string> =>
  Object.fromEntries(bringUp.steps.value.map(({ id, state }) => [id, state]));

test("independent steps run at the same time, dependent ones afterwards", async () => {
  const order: string[] = [];
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const bringUp = new BringUp([
    step("a", [], async () => {
      order.push("a");
      await gate;
    }),
    step("b", [], async () => {
      order.push("b");
      release();
    }),
    step("c", ["a", "b"], async () => void order.push("c")),
  ]);
  await bringUp.run();
  expect(order).toEqual(["a", "b", "c"]);
  expect(states(bringUp)).toEqual({ a: "done", b: "done", c: "done" });
});

test("a failure stops what runs and cancels what waits", async () => {
  const bringUp = new BringUp([
    step("bad", [], () => Promise.reject(new Error("no disk"))),
    step(
      "slow",
      [],
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ),
    step("later", ["bad"]),
  ]);
  await expect(bringUp.run()).rejects.toThrow("no disk");
  expect(states(bringUp)).toEqual({ bad: "failed", slow: "cancelled", later: "cancelled" });
  expect(bringUp.steps.value[0]?.error).toMatchObject({ message: "no disk" });
});

test("cancelling rejects with CANCELLED and keeps the log", async () => {
  const bringUp = new BringUp([
    step("wait", [], ({ signal, log }) => {
      log("one\ntwo");
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }),
  ]);
  const running = bringUp.run();
  await new Promise(setImmediate);
  bringUp.cancel();
  await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
  expect(bringUp.log("wait").value).toEqual(["one", "two"]);
  expect(states(bringUp)).toEqual({ wait: "cancelled" });
});
