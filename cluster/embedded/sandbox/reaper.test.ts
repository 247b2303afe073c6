import { afterEach, expect, it, vi } from "vitest";
import { reapOrphans } from "./reaper.ts";

afterEach(() => vi.useRealTimers());

it("takes only children that nobody has waited for between two looks", () => {
  vi.useFakeTimers();
  const ended = [7, 8];
  const reaped: number[] = [];
  const stop = reapOrphans({
    endedChild: () => ended[0],
    reap: (pid) => {
      reaped.push(pid);
      ended.shift();
      return true;
    },
  });
  vi.advanceTimersByTime(500);
  expect(reaped).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(reaped).toEqual([7]);
  vi.advanceTimersByTime(500);
  ended[0] = 9; // 8 was Node's own
  vi.advanceTimersByTime(500);
  expect(reaped).toEqual([7]);
  vi.advanceTimersByTime(500);
  expect(reaped).toEqual([7, 9]);
  stop();
});
