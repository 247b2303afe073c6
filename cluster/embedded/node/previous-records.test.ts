import { describe, expect, it } from "vitest";
import type { ContainerStatus, Pod } from "./kinds.ts";
import { lostRecords, previousRecords } from "./previous-records.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const pod = (status: Partial<ContainerStatus>, phase = "Running"): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {},
    status: {
      phase,
      containerStatuses: [{ name: "a", image: "", imageID: "", ready: true, restartCount: 2, ...status }],
    },
  }) as Pod;
const recordOf = (from: Pod) => previousRecords(from, NOW).get("a");
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const done = {
  terminated: { exitCode: 3, reason: "Error", startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:09Z" },
};

describe("what a new node process takes over", () => {
  it("counts a running container as ended with the node, and as one restart more", () => {
    expect(recordOf(pod({ state: running }))).toMatchObject({
      state: { kind: "waiting" },
      restartCount: 3,
      ready: false,
      last: { exitCode: 255, reason: "Unknown", finishedAt: NOW },
    });
  });

  it("keeps how a crashed container had ended", () => {
    const waiting = { waiting: { reason: "CrashLoopBackOff" } };
    expect(recordOf(pod({ state: waiting, lastState: done }))).toMatchObject({
      restartCount: 3,
      last: { exitCode: 3, reason: "Error" },
    });
  });

  it("starts afresh what never ran", () => {
    expect(recordOf(pod({ state: { waiting: { reason: "ErrImagePull" } }, restartCount: 0 }))).toMatchObject({
      restartCount: 0,
      last: undefined,
    });
  });

  it("leaves a finished pod as it is", () => {
    expect(recordOf(pod({ state: done, ready: false }, "Failed"))).toMatchObject({
      state: { kind: "terminated", exitCode: 3 },
      restartCount: 2,
    });
  });

  it("gives up what ran in a pod that is never restarted", () => {
    const lost = lostRecords(previousRecords(pod({ state: running, restartCount: 0 }), NOW)).get("a");
    expect(lost).toMatchObject({
      restartCount: 0,
      state: { kind: "terminated", exitCode: 137, reason: "ContainerStatusUnknown" },
    });
  });
});
