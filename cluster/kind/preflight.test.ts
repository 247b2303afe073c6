import { describe, expect, test } from "vitest";
import { type EngineFacts, judgeEngine } from "./preflight.ts";

const good: EngineFacts = {
  version: "28.2.2",
  apiVersion: "1.50",
  memoryBytes: 16e9,
  cpus: 4,
  cgroupVersion: "2",
  cgroupDriver: "systemd",
  operatingSystem: "Debian GNU/Linux 12",
  diskFreeBytes: 50e9,
  inotify: { instances: 512, watches: 524_288 },
};

function judge(change: Partial<EngineFacts>, workers = 0): readonly string[] {
  const lines: string[] = [];
  judgeEngine({ ...good, ...change }, workers, { log: (line) => lines.push(line) });
  return lines;
}

test("a good engine is described", () => {
  expect(judge({})).toEqual(["Docker 28.2.2 on Debian GNU/Linux 12: 4 processors, 16.0 GB, cgroup v2 (systemd)"]);
});

describe("refused with the code that says what to do", () => {
  test.each([
    ["an old engine", { apiVersion: "1.40" }, 0, "DOCKER_UNAVAILABLE"],
    ["too little memory", { memoryBytes: 1.5e9 }, 0, "OUT_OF_MEMORY"],
    ["too little memory for workers", { memoryBytes: 3e9 }, 2, "OUT_OF_MEMORY"],
    ["a full disk", { diskFreeBytes: 1e9 }, 0, "DISK_FULL"],
  ])("%s", (_, change, workers, code) => {
    expect(() => judge(change, workers)).toThrow(expect.objectContaining({ code }));
  });
});

test("advice for what will be tight", () => {
  expect(judge({ cgroupVersion: "1" }).join("\n")).toMatch(/cgroup v1/);
  expect(judge({ inotify: { instances: 128, watches: 524_288 } }, 2).join("\n")).toMatch(
    /128 inotify instances.*sysctl/,
  );
  expect(judge({ inotify: undefined }, 8).join("\n")).not.toMatch(/inotify/);
});
