import { expect, test } from "vitest";
import { type JobInput, type JobPlan, planJob } from "./job-plan.ts";

const input = (change: Partial<JobInput>): JobInput => ({
  parallelism: 1,
  completions: 1,
  backoffLimit: 6,
  suspended: false,
  timeLeft: undefined,
  active: 0,
  succeeded: 0,
  failed: 0,
  ...change,
});

test.each<[string, JobInput, JobPlan]>([
  ["starts", input({}), { create: 1, remove: 0 }],
  ["waits for what runs", input({ active: 1 }), { create: 0, remove: 0 }],
  ["completes", input({ succeeded: 1 }), { create: 0, remove: 0, finished: { type: "Complete" } }],
  ["runs as many at once as allowed", input({ parallelism: 3, completions: 5 }), { create: 3, remove: 0 }],
  [
    "does not run more than are left",
    input({ parallelism: 3, completions: 5, succeeded: 4 }),
    { create: 1, remove: 0 },
  ],
  ["tries again after a failure", input({ failed: 6 }), { create: 1, remove: 0 }],
  [
    "a work queue lets the rest end",
    input({ completions: undefined, parallelism: 2, active: 1, succeeded: 1 }),
    { create: 0, remove: 0 },
  ],
  [
    "a work queue is done when all ended",
    input({ completions: undefined, succeeded: 2 }),
    { create: 0, remove: 0, finished: { type: "Complete" } },
  ],
  ["ends its pods while suspended", input({ suspended: true, active: 2, parallelism: 2 }), { create: 0, remove: 2 }],
  [
    "gives up",
    input({ failed: 7, active: 1 }),
    {
      create: 0,
      remove: 1,
      finished: {
        type: "Failed",
        reason: "BackoffLimitExceeded",
        message: "Job has reached the specified backoff limit",
      },
    },
  ],
  [
    "runs out of time",
    input({ timeLeft: 0, active: 1 }),
    {
      create: 0,
      remove: 1,
      finished: {
        type: "Failed",
        reason: "DeadlineExceeded",
        message: "Job was active longer than specified deadline",
      },
    },
  ],
])("%s", (_, given, plan) => {
  expect(planJob(given)).toEqual(plan);
});
