import type { LabCheckDefinition } from "#api/lab.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";

type Calls = Extract<LabCheckDefinition, { type: "calls" }>;

/** One workload calls another from its own container: every answer must have the status that is expected, 0 being none at all. */
export async function checkCalls(check: Calls, { measurements, signal }: CheckContext): Promise<CheckOutcome> {
  const { from, request, sample, expect, certificate } = check;
  const outcomes = await measurements.call({
    from,
    ...request,
    body: request.body,
    login: request.login,
    count: sample,
    signal,
  });
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  // "200", or with TLS "200 O=…, CN=…"; whatever does not begin with a number is an error's name.
  const right = Object.entries(outcomes)
    .filter(([outcome]) => (Number.parseInt(outcome, 10) || 0) === expect)
    .filter(([outcome]) => certificate === undefined || outcome.includes(certificate))
    .reduce((sum, [, count]) => sum + count, 0);
  const parts = Object.entries(outcomes).map(([outcome, count]) => `${count} × ${outcome}`);
  return {
    passed: total === sample && right === sample,
    observed: `${from.workload}${request.login === undefined ? "" : ` as ${request.login.client}`} calls ${request.method} ${request.url}: ${parts.join(", ") || "nothing"}`,
    mayChange: true,
  };
}
