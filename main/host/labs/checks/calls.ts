import type { LabCheckDefinition } from "#api/lab.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";

type Calls = Extract<LabCheckDefinition, { type: "calls" }>;

/** One workload calls another from its own container: every answer must have the status that is expected, 0 being none at all. */
export async function checkCalls(check: Calls, { measurements, signal }: CheckContext): Promise<CheckOutcome> {
  const { from, request, sample, expect } = check;
  const outcomes = await measurements.call({
    from,
    ...request,
    body: request.body,
    login: request.login,
    count: sample,
    signal,
  });
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const unanswered =
    total - Object.entries(outcomes).reduce((sum, [key, count]) => sum + (Number(key) > 0 ? count : 0), 0);
  const right = expect === 0 ? unanswered : (outcomes[String(expect)] ?? 0);
  const parts = Object.entries(outcomes).map(([outcome, count]) => `${count} × ${outcome}`);
  return {
    passed: total === sample && right === sample,
    observed: `${from.workload}${request.login === undefined ? "" : ` as ${request.login.client}`} calls ${request.method} ${request.url}: ${parts.join(", ") || "nothing"}`,
    mayChange: true,
  };
}
