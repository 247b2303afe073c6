import type { ProbeRequest, ProbeTally } from "#api/traffic.ts";
import type { Sender } from "./send.ts";
import { Tally } from "./tally.ts";

/** Sends a bounded number of requests, a few at a time, and counts the answers. */
export async function probe(
  { request, count, concurrency }: ProbeRequest,
  sender: Sender,
  options: { readonly signal: AbortSignal; readonly onProgress: (done: number) => void },
): Promise<ProbeTally> {
  const tally = new Tally();
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < count && !options.signal.aborted) {
      next++;
      tally.add(await sender.send(request, performance.now()), "probe");
      options.onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  return {
    count: done,
    byStatus: tally.byStatus,
    byVersion: tally.byVersion,
    errors: tally.errors,
    latency: tally.latency(),
  };
}
