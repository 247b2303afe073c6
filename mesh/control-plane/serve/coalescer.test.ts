import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Coalescer, defaultCoalescing } from "./coalescer.ts";

describe("coalescing", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const make = () => {
    const runs: number[] = [];
    const coalescer = new Coalescer(() => runs.push(Date.now()), { ...defaultCoalescing, now: () => Date.now() });
    return { coalescer, runs };
  };

  it("lets a single change out at once", () => {
    const { coalescer, runs } = make();
    coalescer.notify();
    vi.advanceTimersByTime(defaultCoalescing.quietMs);
    expect(runs).toHaveLength(1);
  });

  it("makes one run of changes that come together", () => {
    const { coalescer, runs } = make();
    for (let count = 0; count < 5; count++) coalescer.notify();
    vi.advanceTimersByTime(1000);
    expect(runs).toHaveLength(1);
  });

  it("never waits longer than its bound", () => {
    const { coalescer, runs } = make();
    for (let elapsed = 0; elapsed < 3 * defaultCoalescing.maxWaitMs; elapsed += 1) {
      coalescer.notify();
      vi.advanceTimersByTime(1);
    }
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });

  it("does nothing after it was stopped", () => {
    const { coalescer, runs } = make();
    coalescer.notify();
    coalescer.stop();
    vi.advanceTimersByTime(1000);
    expect(runs).toEqual([]);
  });
});
