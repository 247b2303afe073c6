import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogOptions } from "../machinery/node-backend.ts";
import { CriLog } from "./cri-log.ts";
import { readLog } from "./log-query.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

describe("a container's log", () => {
  let folder = "";
  let now = START;
  let log: CriLog;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "slipway-log-"));
    now = START;
    log = new CriLog(join(folder, "0.log"), () => now);
  });
  afterEach(async () => {
    await log.close();
    await rm(folder, { recursive: true });
  });

  const print = (...lines: string[]): void => {
    for (const line of lines) {
      log.write("stdout", Buffer.from(line));
      now += 1000;
    }
  };
  const read = (options: LogOptions): Promise<string> =>
    text(readLog({ path: log.file.path, live: log }, options, now));

  it.each<[LogOptions, string]>([
    [{}, "a\nb\nc\nd\n"],
    [{ tailLines: 2 }, "c\nd\n"],
    [{ tailLines: 0 }, ""],
    [{ sinceSeconds: 2 }, "c\nd\n"],
    [{ sinceTime: "2026-01-01T00:00:03Z" }, "d\n"],
    [{ sinceSeconds: 3, tailLines: 1 }, "d\n"],
    [{ limitBytes: 3 }, "a\nb"],
    [{ timestamps: true, tailLines: 1 }, "2026-01-01T00:00:03.000000000Z d\n"],
  ])("with %j gives %j", async (options, expected) => {
    print("a\n", "b\n", "c\n", "d\n");
    expect(await read(options)).toBe(expected);
  });

  it("puts lines together that come in pieces, and keeps an unfinished one", async () => {
    print("one ", "line\ntwo\nrest");
    await log.close();
    expect(await read({})).toBe("one line\ntwo\nrest");
  });

  it("stores an over-long line in pieces that read as one", async () => {
    print(`${"x".repeat(40_000)}\n`);
    expect(await read({})).toBe(`${"x".repeat(40_000)}\n`);
  });

  it("follows without losing or repeating a line, until the container ends", async () => {
    print("before\n");
    const reading = read({ follow: true });
    for (let index = 0; index < 50; index++) {
      print(`${index}\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    expect(await reading).toBe(`before\n${Array.from({ length: 50 }, (_, index) => `${index}\n`).join("")}`);
  });

  it("reads over a rotation", async () => {
    const line = `${"y".repeat(9_999)}\n`;
    for (let index = 0; index < 110; index++) {
      log.write("stdout", Buffer.from(line.repeat(10)));
      await log.file.flush();
    }
    expect((await read({})).length).toBe(line.length * 1100);
  });
});
