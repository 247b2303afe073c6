import { expect, test } from "vitest";
import { EventStream } from "./event-stream.ts";
import { failedRequest } from "./testing/records.ts";

function reader(keepsUp: () => boolean = () => true) {
  const lines: string[] = [];
  return {
    write: (text: string): boolean => {
      lines.push(...text.trim().split("\n"));
      return keepsUp();
    },
    /** Numbers of requests, and how many were lost in between. */
    seen: () =>
      lines
        .map((line) => JSON.parse(line) as { seq?: number; dropped?: number })
        .map(({ seq, dropped }) => seq ?? `lost ${dropped}`),
  };
}

const send = (events: EventStream, count: number): void => {
  for (let i = 0; i < count; i++) events.record(failedRequest);
};

test("a reader gets what is still there after the number it knows, and is told what is not", () => {
  const events = new EventStream(3);
  send(events, 5);
  const [all, some, late] = [reader(), reader(), reader()];
  events.read(0, all);
  events.read(4, some);
  events.read(99, late);
  expect(all.seen()).toEqual(["lost 2", 3, 4, 5]);
  expect(some.seen()).toEqual([5]);
  // It knows a former process's numbers.
  expect(late.seen()).toEqual(["lost 2", 3, 4, 5]);
});

test("a reader that does not keep up loses the oldest", () => {
  const events = new EventStream(3);
  send(events, 1);
  let open = false;
  const slow = reader(() => open);
  const reading = events.read(0, slow);
  send(events, 5);
  expect(slow.seen()).toEqual([1]);
  open = true;
  reading.resume();
  expect(slow.seen()).toEqual([1, "lost 2", 4, 5, 6]);
  reading.end();
  send(events, 1);
  reading.resume();
  expect(slow.seen()).toHaveLength(5);
});
