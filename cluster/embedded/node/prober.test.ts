import { describe, expect, it } from "vitest";
import type { Clock } from "../machinery/clock.ts";
import { type ProbeKind, startProbe } from "./prober.ts";

/** Time that moves when told to. */
function manualClock(): Clock & { advance(milliseconds: number): Promise<void> } {
  let now = 0;
  const timers = new Set<{ at: number; act: () => void }>();
  return {
    now: () => now,
    after: (milliseconds, act) => {
      const timer = { at: now + milliseconds, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: async (milliseconds) => {
      for (const end = now + milliseconds; now <= end; now++) {
        for (const timer of [...timers].filter((one) => one.at <= now)) {
          timers.delete(timer);
          timer.act();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    },
  };
}

function probing(kind: ProbeKind, probe: object, answer: (now: number) => boolean) {
  const clock = manualClock();
  const verdicts: string[] = [];
  const checks: number[] = [];
  let failures = 0;
  const stop = startProbe(kind, probe, {
    clock,
    target: { address: "", container: { name: "a" }, exec: async () => ({ exitCode: 0, output: "" }) },
    events: { onVerdict: (_, ok) => verdicts.push(`${ok} at ${clock.now()}`), onFailure: () => failures++ },
    check: async () => {
      checks.push(clock.now());
      return answer(clock.now()) ? { ok: true } : { ok: false, message: "no" };
    },
  });
  return { clock, verdicts, checks, stop, failures: () => failures };
}

describe("a probe", () => {
  it("finds out soon that a container has come up, without counting the tries between periods", async () => {
    const probe = probing("readiness", { periodSeconds: 10 }, (now) => now >= 300);
    await probe.clock.advance(1000);
    expect(probe.verdicts).toEqual(["true at 350"]);
    expect(probe.failures()).toBe(1);
  });

  it("fails only after as many periods as the threshold says", async () => {
    const probe = probing("startup", { periodSeconds: 1, failureThreshold: 3 }, () => false);
    await probe.clock.advance(1900);
    expect(probe.verdicts).toEqual([]);
    await probe.clock.advance(2000);
    expect(probe.verdicts.map((verdict) => verdict.split(" ")[0])).toEqual(["false"]);
  });

  it("becomes unready and ready again by the thresholds", async () => {
    const probe = probing(
      "readiness",
      { periodSeconds: 1, failureThreshold: 2, successThreshold: 2 },
      (now) => now < 2500 || now > 6500,
    );
    await probe.clock.advance(10_000);
    expect(probe.verdicts.map((verdict) => verdict.split(" ")[0])).toEqual(["true", "false", "true"]);
  });

  it("waits for the initial delay and stops when told", async () => {
    const probe = probing("liveness", { periodSeconds: 1, initialDelaySeconds: 5 }, () => true);
    await probe.clock.advance(4000);
    expect(probe.checks).toEqual([]);
    await probe.clock.advance(2500);
    expect(probe.checks).toEqual([5000, 6000]);
    probe.stop();
    await probe.clock.advance(5000);
    expect(probe.checks).toHaveLength(2);
  });
});
