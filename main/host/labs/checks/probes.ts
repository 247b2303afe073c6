import type { LabCheckDefinition } from "#api/lab.ts";
import { isFailedStatus } from "#api/traffic.ts";
import type { ProbeResult } from "../measurements.ts";
import { acceptance } from "../statistics.ts";
import { type CheckContext, type CheckOutcome, percent } from "./outcome.ts";

type Check<Type> = Extract<LabCheckDefinition, { type: Type }>;

/** Which version answers: the count must be believable for the share that is right (see statistics.ts). */
export async function checkShare(check: Check<"share">, context: CheckContext): Promise<CheckOutcome> {
  const result = await probe(check, context);
  const { service, version, share } = check.expect;
  const versions = result.byVersion[service] ?? {};
  const total = Object.values(versions).reduce((sum, count) => sum + count, 0);
  const count = versions[version] ?? 0;
  if (total < check.sample * 0.9) {
    const observed = `only ${total} of ${check.sample} requests were answered by ${service}${failures(result)}`;
    return { passed: false, observed, mayChange: true };
  }
  const { low, high } = acceptance(total, share);
  const observed = `${version} answered ${count} of ${total} requests (${percent(count / total)})`;
  return { passed: count >= low && count <= high, observed, mayChange: false };
}

/** Success and latency of a sample. */
export async function checkResponses(check: Check<"responses">, context: CheckContext): Promise<CheckOutcome> {
  const result = await probe(check, context);
  const succeeded = Object.entries(result.byStatus).reduce(
    (sum, [status, count]) => (isFailedStatus(Number(status)) ? sum : sum + count),
    0,
  );
  const success = succeeded / check.sample;
  const observed = `${percent(success)} of ${check.sample} requests succeeded, p99 ${Math.round(result.p99Ms ?? 0)} ms${failures(result)}`;
  const passed =
    (check.successAtLeast === undefined || success >= check.successAtLeast) &&
    (check.p99AtMost === undefined || (result.p99Ms !== undefined && result.p99Ms <= check.p99AtMost));
  return { passed, observed, mayChange: false };
}

function probe(check: Check<"share"> | Check<"responses">, context: CheckContext): Promise<ProbeResult> {
  return context.measurements.probe(check.request, {
    count: check.sample,
    signal: context.signal,
    onProgress: (done) => context.onProgress(done / check.sample),
  });
}

function failures(result: ProbeResult): string {
  const statuses = Object.entries(result.byStatus).filter(([status]) => Number(status) >= 400);
  const parts = [...statuses, ...Object.entries(result.errors)].map(([kind, count]) => `${count} × ${kind}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
