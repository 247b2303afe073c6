export interface JobInput {
  readonly parallelism: number;
  /** Undefined: any success completes it. */
  readonly completions: number | undefined;
  readonly backoffLimit: number;
  readonly suspended: boolean;
  /** Milliseconds left; undefined without a deadline. */
  readonly timeLeft: number | undefined;
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
}

export interface JobPlan {
  readonly create: number;
  /** How many running pods to end. */
  readonly remove: number;
  readonly finished?:
    | { readonly type: "Complete" }
    | { readonly type: "Failed"; readonly reason: string; readonly message: string };
}

/** What a Job needs next. Source: Kubernetes' Job API. */
export function planJob(input: JobInput): JobPlan {
  const { active, succeeded, failed, completions, parallelism } = input;
  if (failed > input.backoffLimit)
    return fail(active, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (input.timeLeft !== undefined && input.timeLeft <= 0)
    return fail(active, "DeadlineExceeded", "Job was active longer than specified deadline");
  if (completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions)
    return { create: 0, remove: active, finished: { type: "Complete" } };
  if (input.suspended) return { create: 0, remove: active };
  // With a success and no number of completions, those that run may end and none is added.
  const wanted =
    completions === undefined ? (succeeded > 0 ? active : parallelism) : Math.min(parallelism, completions - succeeded);
  return { create: Math.max(0, wanted - active), remove: Math.max(0, active - wanted) };
}

function fail(active: number, reason: string, message: string): JobPlan {
  return { create: 0, remove: active, finished: { type: "Failed", reason, message } };
}
