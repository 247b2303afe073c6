import { describe, expect, it } from "vitest";
import { type BackOff, formatDuration, nextRestart, noBackOff } from "./backoff.ts";

describe("restart back-off", () => {
  it("starts again at once, then waits 10 s, doubled up to 5 minutes", () => {
    let current: BackOff = noBackOff;
    const waits: number[] = [];
    let now = 1_000_000;
    for (let restart = 0; restart < 9; restart++) {
      const { waitMs, next } = nextRestart(current, now);
      waits.push(waitMs / 1000);
      current = next;
      now += waitMs + 100;
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
  });

  it("forgets after ten minutes without an end", () => {
    const current: BackOff = { delay: 80_000, raisedAt: 0 };
    expect(nextRestart(current, 600_000).waitMs).toBe(80_000);
    expect(nextRestart(current, 600_001)).toEqual({ waitMs: 0, next: { delay: 10_000, raisedAt: 600_001 } });
  });

  it.each([
    [10_000, "10s"],
    [80_000, "1m20s"],
    [300_000, "5m0s"],
  ])("prints %d ms as %s", (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));
});
